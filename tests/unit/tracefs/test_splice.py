import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ktrace.host.local import LocalHost
from ktrace.tracefs.files import Files
from ktrace.tracefs.splice import Mover

PAGE = 4096


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[dict[int, int]]:
    """Writing ends of pipes in place of trace_pipe_raw, by CPU."""
    ends = {}
    for cpu in (0, 3):
        path = tmp_path / f"per_cpu/cpu{cpu}/trace_pipe_raw"
        path.parent.mkdir(parents=True)
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        ends[cpu] = os.open(path, os.O_WRONLY)
        os.close(reader)
    yield ends
    for fd in ends.values():
        os.close(fd)


@pytest.fixture
def mover(tmp_path: Path, raw: dict[int, int]) -> Iterator[Mover]:
    def open_output(cpu: int) -> int:
        return os.open(tmp_path / f"out{cpu}", os.O_WRONLY | os.O_CREAT)

    with Mover(Files(LocalHost(), str(tmp_path)), PAGE, [0, 3], open_output) as made:
        yield made


def test_pages_go_to_the_file_of_their_cpu(mover: Mover, raw: dict[int, int], tmp_path: Path) -> None:
    assert mover.move(0) == 0 and not (tmp_path / "out0").exists()
    os.write(raw[3], b"a" * 2 * PAGE)
    assert mover.move(3) == 2 * PAGE
    os.write(raw[3], b"b" * PAGE)
    os.write(raw[0], b"c" * PAGE)
    assert mover.move(3) == PAGE and mover.move(0) == PAGE and mover.size == 4 * PAGE
    assert (tmp_path / "out3").read_bytes() == b"a" * 2 * PAGE + b"b" * PAGE
    assert (tmp_path / "out0").read_bytes() == b"c" * PAGE


def test_the_rest(mover: Mover, raw: dict[int, int], tmp_path: Path) -> None:
    os.write(raw[0], b"x" * PAGE)
    assert mover.rest(0) == PAGE and (tmp_path / "out0").read_bytes() == b"x" * PAGE


def test_a_full_disk_loses_nothing_that_had_been_taken(
    mover: Mover, raw: dict[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.write(raw[0], b"x" * 3 * PAGE)
    real: Callable[..., int] = os.splice
    room = [PAGE + 100]

    def full(source: int, to: int, count: int, **options: int) -> int:
        if source != mover._read:
            return real(source, to, count, **options)
        if not room[0]:
            raise OSError(errno.ENOSPC, "full")
        taken = real(source, to, min(count, room[0]))
        room[0] -= taken
        return taken

    monkeypatch.setattr(os, "splice", full)
    with pytest.raises(OSError, match="full"):
        mover.move(0)
    assert mover.moved == {0: PAGE + 100}
    room[0] = 1 << 20
    mover.finish_move()
    assert (tmp_path / "out0").read_bytes() == b"x" * 3 * PAGE and mover.size == 3 * PAGE


def test_closing_leaves_nothing_open(tmp_path: Path, raw: dict[int, int]) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    mover = Mover(
        Files(LocalHost(), str(tmp_path)),
        PAGE,
        [0, 3],
        lambda cpu: os.open(tmp_path / "o", os.O_RDWR | os.O_CREAT),
    )
    os.write(raw[0], b"x" * PAGE)
    mover.move(0)
    mover.close()
    mover.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    with pytest.raises(OSError, match="cpu9"):
        Mover(Files(LocalHost(), str(tmp_path)), PAGE, [0, 9], lambda cpu: -1)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
