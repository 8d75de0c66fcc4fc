import errno
import os

import pytest

from ktrace.errors import Busy
from ktrace.host.local import LocalHost
from ktrace.tracefs.files import Files
from ktrace.tracefs.pipe import TextPipe


@pytest.fixture
def ends(tmp_path):
    os.mkfifo(tmp_path / "trace_pipe")
    pipe = TextPipe(Files(LocalHost(), str(tmp_path)))
    writer = os.open(tmp_path / "trace_pipe", os.O_WRONLY)
    yield pipe, writer
    pipe.close()
    os.close(writer)


def test_nothing_is_waited_for(ends):
    pipe, _ = ends
    assert pipe.read() == b""


def test_pieces_are_gathered_in_order(ends):
    pipe, writer = ends
    for piece in (b"a" * 3000, b"b" * 3000, b"c"):
        os.write(writer, piece)
    assert pipe.read() == b"a" * 3000 + b"b" * 3000 + b"c"
    assert pipe.read() == b""


def test_the_end_is_no_error(tmp_path):
    os.mkfifo(tmp_path / "trace_pipe")
    pipe = TextPipe(Files(LocalHost(), str(tmp_path)))
    assert pipe.read() == b""  # nobody writes: end of file
    pipe.close()


def test_enough_is_enough(ends, monkeypatch):
    """A pipe that is filled as fast as it is read is not read for ever."""
    pipe, _ = ends
    monkeypatch.setattr(os, "read", lambda fd, size: b"x" * size)
    assert 1 << 20 <= len(pipe.read()) < (1 << 20) + (1 << 16)


def test_other_failures_are_raised(ends, monkeypatch):
    pipe, _ = ends

    def fail(fd, size):
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "read", fail)
    with pytest.raises(OSError, match="no"):
        pipe.read()


def test_closing_twice_closes_nobody_elses_file(ends):
    pipe, _ = ends
    number = pipe.fd
    pipe.close()
    assert pipe.fd == -1
    other = os.open(os.devnull, os.O_RDONLY)
    assert other == number
    pipe.close()
    os.close(other)


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EAGAIN, "has a reader already"), (errno.EBUSY, "Device or resource busy")]
)
def test_a_second_reader_is_told(tmp_path, number, words):
    class Taken(Files):
        def stream(self, path):
            raise OSError(number, os.strerror(number))

    with pytest.raises(Busy, match=words):
        TextPipe(Taken(LocalHost(), str(tmp_path)))
