import contextlib
import os
import select
import socket
import threading
from pathlib import Path

import pytest

from ktrace.vm import streams

END = b"\xff12"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"abc", (b"abc", b"", False)),
        (b"abc\xff12", (b"abc", b"", True)),
        (b"a\xff12rest", (b"a", b"", True)),
        (b"abc\xff1", (b"abc", b"\xff1", False)),
        (b"abc\xff", (b"abc", b"\xff", False)),
        (b"\xff", (b"", b"\xff", False)),
        (b"a\xff1x", (b"a\xff1x", b"", False)),
        (b"\xff\xff1", (b"\xff", b"\xff1", False)),
        (b"", (b"", b"", False)),
    ],
)
def test_split(data, expected):
    assert streams.split(data, END) == expected


class Rig:
    """An Output between a socket and a pipe."""

    def __init__(self):
        self.guest, near = socket.socketpair()
        self.read, write = os.pipe()
        self.closed, self.finished = threading.Event(), threading.Event()
        self.near, self.write = near, write
        self.output = None

    def start(self):
        self.output = streams.Output(
            self.near, self.write, END, on_closed=self.closed.set, on_done=self.finished.set
        )

    def end(self):
        self.guest.close()
        self.output.join()
        self.near.close()
        for descriptor in (self.read, self.write):
            with contextlib.suppress(OSError):
                os.close(descriptor)


@pytest.fixture
def rig():
    made = Rig()
    yield made
    made.end()


def test_output_stops_at_the_mark_even_in_pieces(rig):
    rig.start()
    for piece in (b"hel", b"lo\xff", b"1", b"2", b"never"):
        rig.guest.sendall(piece)
    assert rig.finished.wait(5)
    assert rig.output.done
    assert os.read(rig.read, 100) == b"hello"


def test_output_of_a_guest_that_dies_keeps_what_looked_like_a_mark(rig):
    rig.start()
    rig.guest.sendall(b"hello\xff1")
    rig.guest.close()
    assert rig.finished.wait(5)
    assert os.read(rig.read, 100) == b"hello\xff1"


def test_a_reader_that_left_is_reported_once_and_the_rest_dropped(rig):
    os.close(rig.read)
    rig.start()
    rig.guest.sendall(b"x" * 1000)
    assert rig.closed.wait(5)
    assert rig.finished.wait(5)
    rig.guest.sendall(b"y" * 3_000_000)  # would block if nobody read it
    assert rig.output.error is None


def test_another_failure_to_write_is_kept(rig):
    with Path("/dev/full").open("wb", buffering=0) as full:
        rig.write, pipe = full.fileno(), rig.write
        rig.start()
        rig.guest.sendall(b"x")
        assert rig.finished.wait(5)
        rig.write = pipe
    assert "No space" in str(rig.output.error)


def test_a_slow_reader_slows_the_guest_down(rig):
    rig.start()
    rig.guest.settimeout(0.3)
    with pytest.raises(TimeoutError):
        rig.guest.sendall(b"x" * 10_000_000)
    rig.guest.close()
    while not rig.finished.is_set():  # else the thread would stay in its write
        if select.select([rig.read], [], [], 0.05)[0]:
            os.read(rig.read, 1_000_000)


def test_a_descriptor_that_does_not_block(rig):
    os.set_blocking(rig.write, False)
    data = os.urandom(1_000_000)
    writer = threading.Thread(target=streams.write_all, args=(rig.write, data))
    writer.start()
    got = b""
    while len(got) < len(data):
        got += os.read(rig.read, 65536)
    writer.join()
    rig.start()
    assert got == data


def test_input_arrives_and_ends():
    near, guest = socket.socketpair()
    read, write = os.pipe()
    os.write(write, b"some input")
    os.close(write)
    keyboard = streams.Input(read, near)
    guest.settimeout(5)
    assert guest.recv(100) == b"some input"
    assert guest.recv(100) == b""
    guest.sendall(b"still open this way")
    assert near.recv(100) == b"still open this way"
    keyboard.stop()
    for one in (near, guest):
        one.close()
    os.close(read)


def test_input_that_is_not_wanted_stays_unread():
    near, guest = socket.socketpair()
    read, write = os.pipe()
    keyboard = streams.Input(read, near)
    keyboard.stop()
    os.write(write, b"for the next")
    assert os.read(read, 100) == b"for the next"
    for one in (near, guest):
        one.close()
    os.close(read)
    os.close(write)


def test_input_can_be_refused():
    near, guest = socket.socketpair()
    read, write = os.pipe()
    keyboard = streams.Input(read, near, filtered=lambda data: b"!" in data)
    guest.settimeout(5)
    os.write(write, b"yes")
    assert guest.recv(100) == b"yes"
    os.write(write, b"no!")
    assert guest.recv(100) == b""
    keyboard.stop()
    for one in (near, guest):
        one.close()
    os.close(read)
    os.close(write)


def test_tail_keeps_the_last_lines_fit_to_print():
    read, write = os.pipe()
    tail = streams.Tail(read)
    os.write(write, b"".join(b"line %d\r\n" % n for n in range(500)))
    os.write(write, b"\x1b[31mred\xff\nlast")
    os.close(write)
    tail.join()
    lines = tail.lines()
    assert len(lines) == streams.Tail.LINES + 1
    assert lines[-3:] == ["line 499", "\\x1b[31mred\\xff", "last"]
    os.close(read)
