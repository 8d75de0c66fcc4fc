import fcntl
import os
import struct
import termios

import pytest

from ktrace.vm import terminal
from tests.unit.unable import open_terminal


@pytest.fixture
def pty():
    near, far = open_terminal()
    yield far
    os.close(near)
    os.close(far)


def test_raw_and_back_after_an_error(pty):
    before = termios.tcgetattr(pty)
    with pytest.raises(KeyError), terminal.raw(pty):
        flags = termios.tcgetattr(pty)[3]
        assert not flags & (termios.ECHO | termios.ICANON | termios.ISIG)
        raise KeyError
    assert termios.tcgetattr(pty) == before


def test_size(pty):
    fcntl.ioctl(pty, termios.TIOCSWINSZ, struct.pack("HHHH", 41, 99, 0, 0))
    assert terminal.size(pty) == (41, 99)


def test_size_of_a_terminal_that_does_not_know(pty):
    fcntl.ioctl(pty, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
    assert terminal.size(pty) == (24, 80)


def test_size_of_no_terminal(tmp_path):
    with (tmp_path / "file").open("w") as file:
        assert terminal.size(file.fileno()) == (24, 80)


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ([b"\x1d\x1d\x1d"], True),
        ([b"\x1d", b"\x1d", b"x", b"\x1d"], False),
        ([b"a\x1d", b"\x1d", b"\x1db"], True),
        ([b"\x1d\x1d"], False),
    ],
)
def test_escape(typed, left):
    watch = terminal.EscapeWatch()
    assert any(watch.feed(data) for data in typed) is left
