"""Reading pages of several CPUs; pipes stand in for the kernel's files."""

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from ktrace.errors import Busy
from ktrace.host.local import LocalHost
from ktrace.tracefs.files import Files
from ktrace.tracefs.pipe_raw import RawPipes, overwritten

PAGE = 512
STATS = "entries: 3\noverrun: {}\ncommit overrun: 0\nbytes: 9\ndropped events: 0\nread events: 1\n"


def page(valid: int, flags: int = 0) -> bytes:
    return bytes(8) + (valid | flags).to_bytes(8, "little") + b"\1" * (PAGE - 16)


class Instance:
    """An instance with two CPUs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.writers = {}
        for cpu in (0, 1, 10):
            (root / f"per_cpu/cpu{cpu}").mkdir(parents=True)
            os.mkfifo(root / f"per_cpu/cpu{cpu}/trace_pipe_raw")
            (root / f"per_cpu/cpu{cpu}/stats").write_text(STATS.format(cpu * 100))
        self.pipes = RawPipes(Files(LocalHost(), str(root)), PAGE)
        for cpu in (0, 1, 10):
            self.writers[cpu] = os.open(root / f"per_cpu/cpu{cpu}/trace_pipe_raw", os.O_WRONLY)

    def put(self, cpu: int, data: bytes) -> None:
        os.write(self.writers[cpu], data)

    def ready(self) -> bool:
        return bool(select.select([self.pipes.fd], [], [], 0)[0])


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    made = Instance(tmp_path)
    yield made
    made.pipes.close()
    for fd in made.writers.values():
        os.close(fd)


def test_nothing_there(instance: Instance) -> None:
    assert not instance.ready() and instance.pipes.read() == []


def test_all_cpus_in_order(instance: Instance) -> None:
    full = page(PAGE - 16)
    for cpu in (10, 0):
        instance.put(cpu, full * 2)
    assert instance.ready()
    found = instance.pipes.read()
    assert [(p.cpu, bytes(p.pages), p.drained, p.overwritten) for p in found] == [
        (0, full * 2, True, None),
        (10, full * 2, True, None),
    ]
    assert not instance.ready() and instance.pipes.read() == []


def test_a_page_that_is_being_written_ends_the_pass(instance: Instance) -> None:
    instance.put(1, page(PAGE - 16) + page(100) + page(120))
    (first,) = instance.pipes.read()
    assert len(first.pages) == 2 * PAGE and first.drained
    (second,) = instance.pipes.read()
    assert len(second.pages) == PAGE


def test_a_piece_of_a_page_is_made_whole(instance: Instance) -> None:
    whole = page(PAGE - 16)
    instance.put(1, whole[:100])
    instance.put(1, whole[100:])
    (found,) = instance.pipes.read()
    assert bytes(found.pages) == whole
    instance.put(1, whole[:100])
    (found,) = instance.pipes.read()
    assert bytes(found.pages) == whole[:100] + bytes(PAGE - 100)


def test_losses_are_looked_up_while_their_page_is_at_hand(instance: Instance) -> None:
    instance.put(10, page(PAGE - 16, 1 << 31) + page(PAGE - 16) + page(PAGE - 16, 3 << 30))
    (found,) = instance.pipes.read()
    assert found.overwritten == 1000
    assert overwritten(Files(LocalHost(), str(instance.root)), 1) == 100


def test_a_pass_has_an_end(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ktrace.tracefs.pipe_raw._ENOUGH", 3 * PAGE)
    pipes = RawPipes(Files(LocalHost(), str(instance.root)), PAGE)
    instance.put(0, page(PAGE - 16) * 4)
    assert [(len(p.pages), p.drained) for p in pipes.read()] == [(3 * PAGE, False)]
    assert [(len(p.pages), p.drained) for p in pipes.read()] == [(PAGE, True)]
    pipes.close()


def test_pages_stay_when_more_are_read(instance: Instance) -> None:
    instance.put(0, page(PAGE - 16))
    (first,) = instance.pipes.read()
    before = bytes(first.pages)
    instance.put(0, page(100))
    instance.pipes.read()
    assert bytes(first.pages) == before


def test_a_cpu_whose_buffer_fails_is_read_but_not_waited_for(instance: Instance) -> None:
    os.close(instance.writers.pop(1))  # always ready from now on, with nothing to read
    fd = os.open(instance.root / "per_cpu/cpu1/trace_pipe_raw", os.O_WRONLY)
    os.write(fd, page(100))
    assert len(instance.pipes.read()) == 1
    os.close(fd)
    assert instance.pipes.read() == []


def test_somebody_holds_it(tmp_path: Path) -> None:
    (tmp_path / "per_cpu/cpu0").mkdir(parents=True)
    with pytest.raises(Busy):
        RawPipes(Files(LocalHost(), str(tmp_path)), PAGE)


def test_closing_twice(instance: Instance) -> None:
    instance.pipes.close()
    instance.pipes.close()
