import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ktrace.errors import Damaged, UsageError
from ktrace.stream.workers import Ahead, Out, in_turn


@pytest.fixture
def out(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def written(fd: int) -> bytes:
    return os.pread(fd, 1 << 20, 0)


def no_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


def spell(part: int, out: Out) -> int:
    """Late parts are done first."""
    out.write(b"<%d" % part)
    time.sleep(0.002 * (part % 3 == 0))
    out.write(memoryview(b">"))
    return part * part


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 23])
def test_what_is_written_comes_in_order(out: int, workers: int, count: int) -> None:
    assert in_turn(range(count), spell, out, workers) == [n * n for n in range(count)]
    assert written(out) == b"".join(b"<%d>" % n for n in range(count))
    assert no_children()


def test_more_than_a_pipe_takes(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write_end)
        left = 6 * 300_000
        while left and (data := os.read(read_end, 1 << 16)):
            left -= len(data)
        os._exit(1 if left else 0)
    os.close(read_end)
    in_turn(range(6), lambda n, out: out.write(b"%d" % n * 300_000), write_end, 3)
    os.close(write_end)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("workers", [2, 3])
def test_an_error_comes_after_what_is_before_it(out: int, workers: int) -> None:
    def work(part: int, out: Out) -> int:
        out.write(b"%d," % part)
        if part >= 4:
            raise Damaged("cut off", source="a.dat", offset=part)
        return part

    with pytest.raises(Damaged) as error:
        in_turn(range(9), work, out, workers)
    assert error.value.offset == 4 and "cut off" in error.value.message
    assert written(out) == b"0,1,2,3,4,"
    assert no_children()


def test_a_mistake_of_ours_says_where_it_was_made(out: int) -> None:
    def work(part: int, out: Out) -> int:
        return 1 // (part - 3)

    with pytest.raises(ZeroDivisionError) as error:
        in_turn(range(6), work, out, 2)
    assert any("in work" in note for note in error.value.__notes__)


def test_nobody_reads(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with pytest.raises(BrokenPipeError):
        in_turn(range(9), spell, write_end, 2)
    os.close(write_end)
    assert no_children()


def test_one_is_killed(out: int) -> None:
    def work(part: int, out: Out) -> None:
        if part == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        out.write(b"%d" % part)

    with pytest.raises(ChildProcessError, match=r"killed: \d+, by SIGKILL"):
        in_turn(range(50), work, out, 2)
    assert b"012".startswith(written(out)) and no_children()


def test_none_stays_behind_when_we_are_interrupted(out: int) -> None:
    def stop(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    def work(part: int, out: Out) -> None:
        if part == 1:  # of the last worker; where others are being started, Python drops exceptions
            time.sleep(1)
            os.kill(os.getppid(), signal.SIGALRM)
        time.sleep(60)

    before = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            in_turn(range(2), work, out, 2)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert no_children()


def test_ahead() -> None:
    ahead = Ahead(lambda: iter([{"n": n} for n in range(100)]))
    assert [item["n"] for item in ahead] == list(range(100))
    ahead.close()
    ahead.close()
    assert no_children()


def test_ahead_raises_what_was_raised() -> None:
    def make() -> Iterator[int]:
        yield 1
        raise UsageError("no", hint="yes")

    ahead = Ahead(make)
    found = iter(ahead)
    assert next(found) == 1
    with pytest.raises(UsageError) as error:
        next(found)
    assert error.value.hint == "yes"
    ahead.close()


def test_ahead_that_is_killed() -> None:
    def make() -> Iterator[int]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield 1

    ahead = Ahead(make)
    with pytest.raises(ChildProcessError, match=r"killed: \d+, by SIGKILL"):
        list(ahead)
    ahead.close()


def test_ahead_that_nobody_takes() -> None:
    ahead = Ahead(lambda: iter([bytes(1 << 20)] * 1000))
    ahead.close()
    assert no_children()


def test_the_caller_is_told_how_much_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ktrace.stream.workers._TICK_S", 0.001)
    told: list[float] = []

    def work(part: int, out: Out) -> int:
        time.sleep(0.02)
        out.write(b"%d\n" % part)
        return part

    with (tmp_path / "out").open("wb") as out:
        assert in_turn(range(7), work, out.fileno(), 3, told.append) == list(range(7))
    assert told == sorted(told) and min(told) >= 0 and max(told) <= 1 and len(set(told)) > 1
