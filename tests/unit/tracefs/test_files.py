import errno
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ktrace.host.local import LocalHost
from ktrace.tracefs.files import Files, reading


@pytest.fixture
def files(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "f").write_bytes(b"one\n")
    return Files(LocalHost(), str(tmp_path))


def test_a_write_appends_one_line(files):
    files.write("f", "two")
    assert files.read("f") == "one\ntwo\n"


def test_a_line_goes_out_in_one_write(files, monkeypatch):
    seen = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: seen.append(data) or real(fd, data))
    files.write("f", "x" * 100_000)
    assert seen == [b"x" * 100_000 + b"\n"]


def test_files_are_opened_neither_to_truncate_nor_to_create(files, monkeypatch):
    seen = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, flags, *rest: seen.append(flags) or real(path, flags, *rest))
    files.write("f", "two")
    assert seen[0] & os.O_APPEND
    assert not seen[0] & (os.O_TRUNC | os.O_CREAT)
    with pytest.raises(FileNotFoundError):
        files.write("new", "x")
    assert not files.exists("new")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary())
def test_bytes_that_are_no_utf8_come_back(files, data):
    text = data.decode("utf-8", "surrogateescape")
    before = files.read_bytes("f")
    files.write("f", text)
    assert files.read_bytes("f") == before + data + b"\n"
    assert files.read("f") == files.read_bytes("f").decode("utf-8", "surrogateescape")


def test_files_without_a_size_are_read_to_their_end():
    assert Files(LocalHost(), "/proc/self").read("status").startswith("Name:")
    assert Files(LocalHost(), "/proc/self").read_bytes("cmdline")


def test_large_files_are_read_whole(files, tmp_path):
    data = bytes(range(256)) * 1000
    (tmp_path / "large").write_bytes(data)
    assert files.read_bytes("large") == data


@pytest.mark.parametrize(("taken", "complete"), [(0, False), (2, False), (3, True), (4, True)])
def test_a_write_that_was_cut_short_is_an_error(files, monkeypatch, taken, complete):
    # The kernel may not accept the final newline; nothing is lost by that.
    monkeypatch.setattr(os, "write", lambda fd, data: taken)
    if complete:
        files.write("f", "two")
    else:
        with pytest.raises(OSError, match=f"only {taken} of 4 bytes") as error:
            files.write("f", "two")
        assert error.value.errno == errno.EIO


def test_directories(files, tmp_path):
    files.mkdir("d/b")
    files.mkdir("d/a")
    assert files.list("d") == ["a", "b"]
    assert files.list("") == ["d", "f"]
    assert (files.is_dir("d"), files.is_dir("f"), files.is_dir("x")) == (True, False, False)
    assert (files.exists("d"), files.exists("f"), files.exists("x")) == (True, True, False)
    files.rmdir("d/a")
    assert files.list("d") == ["b"]
    with pytest.raises(OSError, match="not empty"):
        files.rmdir("d")


def test_below_has_another_root(files):
    files.mkdir("d/x")
    below = files.below("d")
    assert below.list("") == ["x"]
    assert below.root == f"{files.root}/d"
    assert repr(below) == f"Files('{files.root}/d')"


def open_descriptors():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_descriptor_is_left_open(files):
    before = open_descriptors()
    files.read("f")
    files.write("f", "x")
    files.list("d")
    with reading(files, "f") as fd:
        assert os.read(fd, 3) == b"one"
    with pytest.raises(ZeroDivisionError), reading(files, "f"):
        raise ZeroDivisionError
    assert open_descriptors() == before


def test_a_stream_does_not_wait(files, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with reading(files, "pipe") as fd:
        assert not os.get_blocking(fd)
        writer = os.open(tmp_path / "pipe", os.O_WRONLY)
        with pytest.raises(BlockingIOError):
            os.read(fd, 1)
        os.close(writer)
