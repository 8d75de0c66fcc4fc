"""The local host, on files of this test and on this machine's own /proc."""

import errno
import mmap
import os
import platform
import signal
import time
from pathlib import Path

import pytest

from ktrace.host.local import LocalHost

HOST = LocalHost()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "f"
    path.write_bytes(b"one\n")
    return str(path)


def test_the_machine_is_this_one() -> None:
    assert HOST.uname() == os.uname()
    assert HOST.uname().machine == platform.machine()
    assert (HOST.pid(), HOST.euid()) == (os.getpid(), os.geteuid())
    assert HOST.sysconf("SC_PAGE_SIZE") == mmap.PAGESIZE
    assert abs(HOST.time_ns() - time.time_ns()) < 60_000_000_000
    before = time.monotonic_ns()
    assert before <= HOST.monotonic_ns() <= time.monotonic_ns()


def test_a_file_without_a_size_is_read_to_its_end_or_to_a_limit() -> None:
    assert HOST.read("/proc/self/status").startswith("Name:")
    assert HOST.read_bytes("/proc/self/status", 5) == b"Name:"
    assert HOST.read_bytes("/proc/self/status", 0) == b""
    assert HOST.content("/proc/self/stat").startswith(str(os.getpid()).encode())  # type: ignore[union-attr]


def test_a_large_file_is_read_to_a_limit_beyond_one_read(tmp_path: Path) -> None:
    data = bytes(range(256)) * 1000
    (tmp_path / "large").write_bytes(data)
    assert HOST.read_bytes(str(tmp_path / "large"), 200_000) == data[:200_000]
    assert HOST.read_bytes(str(tmp_path / "large"), 1 << 30) == data
    mapped = HOST.content(str(tmp_path / "large"))
    assert isinstance(mapped, mmap.mmap) and mapped[:] == data


def test_append_neither_truncates_nor_creates(file: str, tmp_path: Path) -> None:
    HOST.append(file, b"two\n")
    assert HOST.read(file) == "one\ntwo\n"
    with pytest.raises(FileNotFoundError):
        HOST.append(str(tmp_path / "new"), b"x")
    HOST.check_append(file)
    assert HOST.read(file) == "one\ntwo\n"
    with pytest.raises(FileNotFoundError):
        HOST.check_append(str(tmp_path / "new"))
    assert HOST.list(str(tmp_path)) == ["f"]
    HOST.clear(file)
    assert HOST.read(file) == ""


def test_bytes_that_are_not_text_come_back(file: str) -> None:
    HOST.append(file, b"caf\xe9")
    assert HOST.read(file) == "one\ncaf\udce9"


def test_there_or_not(file: str, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    exist = {name: HOST.exists(f"{tmp_path}/{name}") for name in ("f", "d", "x", "f/x", "loop", "a\0b")}
    assert exist == {"f": True, "d": True, "x": False, "f/x": False, "loop": False, "a\0b": False}
    assert [HOST.is_dir(f"{tmp_path}/{name}") for name in ("f", "d", "x")] == [False, True, False]
    with pytest.raises(OSError, match="too long") as error:
        HOST.exists("/" + "x" * 300)
    assert error.value.errno == errno.ENAMETOOLONG
    assert HOST.may(file, os.R_OK) and not HOST.may(str(tmp_path / "x"), os.R_OK)
    assert HOST.readlink(f"{tmp_path}/loop") == "loop"


def test_a_stream_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    fd = HOST.stream(str(tmp_path / "pipe"))
    assert not os.get_blocking(fd)
    os.close(fd)


def test_a_held_file_is_locked_against_another(tmp_path: Path) -> None:
    before = descriptors()
    one, other = HOST.hold(str(tmp_path)), HOST.hold(str(tmp_path))
    assert one.lock(exclusive=False) and other.lock(exclusive=False)
    assert not other.lock(exclusive=True)
    one.close()
    assert other.lock(exclusive=True)
    other.close()
    assert descriptors() == before


def test_a_program_is_started_and_ends() -> None:
    program = HOST.start(["/bin/sh", "-c", "read x && exit 1; exec sleep 30"])
    assert program.poll() is None and HOST.is_running(program.pid)
    HOST.kill(program.pid, signal.SIGTERM)
    assert program.wait() == -signal.SIGTERM
    assert not HOST.is_running(program.pid)
    assert not HOST.is_running(1 << 80)
    with pytest.raises(FileNotFoundError):
        HOST.start(["/nowhere/program"])


def test_hosts_are_told_apart() -> None:
    assert len({LocalHost(), LocalHost(), HOST, HOST}) == 3
