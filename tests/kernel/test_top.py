"""`ktrace top` on its own terminal: it shows rows, obeys keys, and restores the terminal."""

import fcntl
import io
import os
import pty
import re
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ktrace.cli.main import main

HISTS = Path("/sys/kernel/tracing/events/sched/sched_switch/hist").exists()


class Terminal:
    """A ktrace on a terminal of 80 columns and 24 lines."""

    def __init__(self, *argv: str) -> None:
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            status = 70
            try:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                sys.stdin = io.TextIOWrapper(io.FileIO(0))
                sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w")))
                sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), write_through=True)
                os.environ |= {"TERM": "vt100", "NO_COLOR": "1"}
                status = main(argv)
                sys.stdout.flush()
            finally:
                os._exit(status)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def until(self, *texts: str) -> None:
        """Wait until all of these texts have been shown since the call."""
        deadline = time.monotonic() + 60
        start = len(self.text)
        while not all(text in self.text[start:] for text in texts):
            assert time.monotonic() < deadline, self.text[-3000:]
            self.text += os.read(self.fd, 65536).decode("utf-8", "replace")

    def press(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def end(self) -> int:
        try:
            while data := os.read(self.fd, 65536):
                self.text += data.decode("utf-8", "replace")
        except OSError:
            pass  # a terminal whose other end has gone
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def hits(text: str) -> int:
    """Return the hits in the last heading."""
    return int(re.findall(r": (\d+) hits, ", text)[-1])


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    made: list[Terminal] = []

    def begin(*argv: str) -> Terminal:
        made.append(Terminal(*argv))
        return made[-1]

    yield begin
    for one in made:
        os.close(one.fd)  # it hangs up: whatever still runs ends


def test_it_shows_obeys_and_leaves(terminal: Callable, forks: None) -> None:
    top = terminal("top", "vfs_[rw]*")
    top.until("\x1b[?1049h", "RATE/S", "vfs_read", "q quit")
    assert "\x1b[7m" not in top.text  # NO_COLOR
    top.press("s")
    top.until("by hits")
    top.press("p")
    top.until("paused")
    top.press("p?")
    top.until("ktrace top: keys", "back to the top")
    top.press("x/vfs_w\r")
    top.until("only 'vfs_w'")
    top.press("q")
    assert top.end() == 0
    assert top.text.endswith("\x1b[?25h\x1b[?1049l")  # nothing after it stays on the terminal


@pytest.mark.skipif(not HISTS, reason="no hist triggers")
def test_down_to_the_stacks_and_back(terminal: Callable, forks: None) -> None:
    top = terminal("top", "vfs_read", "--by", "comm")
    top.until("RATE/S", "> ")
    top.press("\r")
    top.until("stacks: waiting for the kernel", "stacks of vfs_read", "ksys_read")
    before = hits(top.text)
    top.press("q")
    top.until("back: waiting for the kernel", "RATE/S", "> ")
    assert before > 0 and hits(top.text) >= before  # the count goes on
    top.press("l")
    top.until("latency of vfs_read", "LATENCY")
    os.kill(top.pid, signal.SIGINT)
    assert top.end() == 0 and "\x1b[?1049l" in top.text


def test_without_words_system_calls_and_down_to_one_of_them(terminal: Callable, forks: None) -> None:
    # Nothing but mmap, whose name without `sys_` is that of a group of events, in kernels since 6.1.
    top = terminal("top", "--filter", "id == 9")
    top.until("ID.SYSCALL", "> ", " sys_mmap")
    top.press("l")
    top.until("latency of sys_mmap", "LATENCY")
    top.press("q")
    top.until("RATE/S")
    top.press("q")
    assert top.end() == 0


def test_a_row_behind_which_there_is_nothing(terminal: Callable, forks: None) -> None:
    top = terminal("top", "sched:sched_switch")
    top.until("> ")
    top.press("l")
    top.until("no latency of sched:sched_switch: it is an event")
    top.press("s")
    top.until("q quit")
    top.press("q")
    assert top.end() == 0 and "\x1b[?1049l" in top.text
