"""Run ktrace in a separate process, with an output that nobody reads; no time is asserted."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

DEADLINE_S = 60


@contextmanager
def full_pipe() -> Iterator[int]:
    """The end of a pipe that takes nothing, though somebody holds the other."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    try:
        while True:
            os.write(write_end, bytes(4096))
    except BlockingIOError:
        os.set_blocking(write_end, True)
    try:
        yield write_end
    finally:
        os.close(read_end)
        os.close(write_end)


def begin(*argv: str, stdout: int | None = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start a ktrace that has no input."""
    words = [sys.executable, "-m", "ktrace", *argv]
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """Its exit status, standard output and standard error; a hang is a failure."""
    try:
        out, err = process.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, (out or b"").decode(), err.decode()


def is_writing(pid: int) -> bool:
    """Return whether a process is blocked in a system call that writes."""
    try:
        with open(f"/proc/{pid}/syscall") as file:  # noqa: PTH123 -- short
            return file.read().split()[0] in ("1", "20", "64", "66")
    except (OSError, IndexError):
        return False


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Send SIGINT."""
    process.send_signal(signal.SIGINT)
