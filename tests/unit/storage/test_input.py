"""Inputs: files, compressed files, pipes; whole, damaged, cut off, hostile."""

import bz2
import gzip
import lzma
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ktrace.errors import Damaged, KtraceError, NotFound, Unavailable
from ktrace.storage import input as inputs
from ktrace.storage import zstd
from ktrace.storage.input import open_input
from tests.unit.tracedat.build import zstd_pack
from tests.unit.unable import unable

DATA = bytes(range(256)) * 5000 + os.urandom(100_000)
PACKERS = {"gzip": gzip.compress, "xz": lzma.compress, "bzip2": bz2.compress, "zstd": zstd_pack}


def content(path: str, *, recover: bool = False) -> bytes:
    opened = open_input(path, recover=recover)
    try:
        data = os.pread(opened.fd, opened.size + 1, 0)
    finally:
        os.close(opened.fd)
    assert len(data) == opened.size
    return data


@pytest.fixture(params=PACKERS)
def pack(request: pytest.FixtureRequest) -> Callable[[bytes], bytes]:
    return PACKERS[request.param]


def test_a_file_and_a_link_to_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(DATA)
    (tmp_path / "b").symlink_to("a")
    assert content(str(tmp_path / "a")) == content(str(tmp_path / "b")) == DATA
    (tmp_path / "a").write_bytes(b"")
    assert content(str(tmp_path / "a")) == b""


@pytest.mark.parametrize("data", [b"", b"x", DATA], ids=["empty", "short", "long"])
def test_compressed(data: bytes, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "a.any").write_bytes(pack(data))  # the content tells, not the name
    assert content(str(tmp_path / "a.any")) == data
    (tmp_path / "a.any").write_bytes(pack(data) + pack(b"more") + bytes(8))
    assert content(str(tmp_path / "a.any")) == data + b"more"


@pytest.mark.parametrize("program", ["gzip", "xz", "bzip2", "zstd"])
def test_by_the_programs_themselves(program: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(DATA)
    try:
        packed = subprocess.run([program, "-c", tmp_path / "a"], capture_output=True, check=True).stdout
    except FileNotFoundError:
        unable(f"no {program} here")
    (tmp_path / "b").write_bytes(packed)
    assert content(str(tmp_path / "b")) == DATA


def test_cut_off_or_changed(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    packed = pack(DATA)
    changed = bytearray(packed)
    changed[len(packed) // 2 : len(packed) // 2 + 8] = b"\xff" * 8
    for data in (packed[:-10], packed[: len(packed) // 2], packed[:7]):
        (tmp_path / "a").write_bytes(data)
        with pytest.raises(Damaged, match=r"/a: offset \d+: cannot be unpacked further: "):
            content(str(tmp_path / "a"))
        assert DATA.startswith(content(str(tmp_path / "a"), recover=True))
        problem = open_input(str(tmp_path / "a"), recover=True).problem
        assert problem is not None and 0 < problem.offset <= len(data)
    (tmp_path / "a").write_bytes(changed)
    if pack is not zstd_pack:  # whose frames have no checksum
        with pytest.raises(Damaged):
            content(str(tmp_path / "a"))


def test_what_is_unpacked_never_fills_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(bytes(1 << 21)))
    monkeypatch.setattr(inputs, "_SPARE", 1 << 60)
    assert len(content(str(tmp_path / "a"))) == 1 << 21  # is looked at after each `_SPARE` bytes
    monkeypatch.setattr(inputs, "_SPARE", 1 << 20)
    status = os.statvfs_result((4096, 4096, 1000, 10, 10, 10, 10, 10, 0, 255))
    monkeypatch.setattr(os, "fstatvfs", lambda _: status)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(KtraceError, match="does not fit into") as error:
        content(str(tmp_path / "a"))
    assert error.value.hint and "TMPDIR=" in error.value.hint
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def write_to(fd: int, data: bytes) -> threading.Thread:
    def write() -> None:
        with open(fd, "wb") as out:
            out.write(data)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_pipes(tmp_path: Path) -> None:
    for data in (DATA, gzip.compress(DATA), b"x", b""):
        reader, writer = os.pipe()
        thread = write_to(writer, data)
        assert content(f"/dev/fd/{reader}") == (DATA if len(data) > 1 else data)
        thread.join()
        os.close(reader)


def test_a_named_pipe_whose_writer_comes_later(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    later = threading.Timer(0.2, lambda: fifo.write_bytes(DATA))
    later.start()
    assert content(str(fifo)) == DATA
    later.join()


@pytest.mark.parametrize("way", ["pipe", "file", "gzip"])
def test_standard_input(way: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(DATA) if way == "gzip" else DATA)
    code = (
        "import os; from ktrace.storage.input import open_input; i = open_input('-');"
        "os.write(1, os.pread(i.fd, i.size, 0))"
    )
    with (tmp_path / "a").open("rb") as file:
        given = {"input": DATA} if way == "pipe" else {"stdin": file}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, **given)
    assert done.stdout == DATA


def test_a_file_that_the_kernel_makes_has_no_size() -> None:
    assert Path("/proc/version").stat().st_size == 0
    assert content("/proc/version") == Path("/proc/version").read_bytes()


def test_what_is_no_input(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        open_input(str(tmp_path / "no"))
    for path in (str(tmp_path), "/dev/null"):
        with pytest.raises(KtraceError, match="not a regular file"):
            open_input(path)


def test_nothing_that_unpacks_zstd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(zstd_pack(DATA))
    for name in ("_of_python", "_of_package", "_of_library"):
        monkeypatch.setattr(zstd, name, lambda _: None)
    with pytest.raises(Unavailable, match="zstd") as error:
        open_input(str(tmp_path / "a"))
    assert error.value.hint == "pip install 'ktrace[zstd]', or zstd -d FILE"


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(DATA))
    (tmp_path / "b").write_bytes(gzip.compress(DATA)[:-9])
    before = len(list(Path("/proc/self/fd").iterdir()))
    content(str(tmp_path / "a"))
    with pytest.raises(Damaged):
        content(str(tmp_path / "b"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
