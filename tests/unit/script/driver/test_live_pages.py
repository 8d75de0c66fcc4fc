"""The events of a running script: read one by one while few arrive, then in one step."""

import os
import select
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from ktrace.model.format import Format
from ktrace.script.driver import live_pages, live_rows
from ktrace.script.driver.live_decoder import LiveDecoder
from ktrace.script.driver.live_pages import LivePages
from ktrace.script.driver.live_rows import LiveRows
from ktrace.script.passes.runnable import TaskNeeds
from ktrace.script.runtime.tasks import Tasks
from ktrace.stream.symbol_table import SymbolTable
from tests.unit.ringbuffer.formats import MARKER, FieldLine, make_format
from tests.unit.ringbuffer.page_writer import PageWriter, common

ONE = make_format("one", 71, FieldLine("u32 n", 8, 4))
HEADER = (
    "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
    "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
    "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n"
)


class Rig:
    """Two CPUs' buffers, and the reader of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, form: Format = ONE, **needs: object) -> None:
        self.pipes = [os.pipe2(os.O_NONBLOCK) for _ in range(2)]
        files = SimpleNamespace(read=lambda _: HEADER, stream=self.stream)
        cpus = [SimpleNamespace(cpu=0), SimpleNamespace(cpu=1)]
        session = SimpleNamespace(files=files, stats=lambda: cpus, saved_names=str, host=None)
        asked = {"wants_stacks": set(), "wants_user_stacks": False, "needs": TaskNeeds(), **needs}
        compiled = SimpleNamespace(needs=asked.pop("needs"))
        drive = SimpleNamespace(compiled=compiled, state=SimpleNamespace(tasks=Tasks()), **asked)
        names = SimpleNamespace(
            names=lambda _: {}, groups=lambda tids: {tid: tid for tid in tids}, follows=False
        )
        kernel = SimpleNamespace(names=SimpleNamespace(table=SymbolTable(b"")))
        monkeypatch.setattr(live_pages, "event_formats", lambda _: {form.id: form})
        monkeypatch.setattr(live_pages, "LiveTasks", lambda *_: names)
        monkeypatch.setattr("ktrace.script.driver.live_decoder.stack_formats", lambda _: {})
        self.reader = LivePages(session, drive, kernel)  # type: ignore[arg-type]

    def stream(self, path: str) -> int:
        return self.pipes["cpu1/" in path][0]

    def write(self, cpu: int, *pages: bytes) -> None:
        for page in pages:
            assert os.write(self.pipes[cpu][1], page) == len(page)

    def read(self, until: int | None = None) -> list[int]:
        """Return the numbers of the events up to a time, in order."""
        happened = self.reader.read(until)
        if happened is None:
            return []
        columns = [iter(one.column("n")) for one in happened.events]
        return [next(columns[number]) for number, _ in happened.in_order(happened.events)]

    @property
    def one_by_one(self) -> bool:
        return isinstance(self.reader._made, LiveRows)


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    made = Rig(monkeypatch)
    with made.reader:
        yield made
    for _, end in made.pipes:
        os.close(end)


def page(start: int, *numbers: int) -> bytes:
    """A page with records 10 ns apart."""
    writer = PageWriter(start)
    for number in numbers:
        writer.record(common(71) + number.to_bytes(4, "little"), 10)
    return writer.bytes()


def test_nothing_is_made_before_the_first_event(rig: Rig) -> None:
    assert rig.reader.read(None) is None and rig.reader.waiting == 0


def test_a_few_events_are_read_one_by_one(rig: Rig) -> None:
    rig.reader.prepare(many=False)
    rig.write(0, page(100, 1, 2, 3))
    rig.write(1, page(105, 4, 5))
    assert rig.read(120) == [1, 4, 2] and rig.reader.waiting == 2
    rig.write(0, page(200, 6))
    assert rig.read() == [5, 3, 6]
    assert rig.one_by_one and rig.reader.events == 6 and not rig.reader.has_more


def test_where_many_will_come_they_are_read_in_one_step(rig: Rig) -> None:
    rig.reader.prepare(many=True)
    rig.write(0, page(100, 1, 2, 3))
    rig.write(1, page(105, 4, 5))
    assert not rig.one_by_one and rig.read(120) == [1, 4, 2] and rig.read() == [5, 3]


def test_many_pages_are_read_in_one_step_after_what_waits(rig: Rig) -> None:
    rig.write(0, page(100, 1, 2, 3))
    rig.write(1, page(105, 4, 5))
    assert rig.read(110) == [1]
    many = [page(1000 + 100 * n, 10 + n) for n in range(live_rows.FEW_PAGES + 1)]
    rig.write(1, *many)
    rig.write(0, page(1005, 6))
    numbers = rig.read()
    assert not rig.one_by_one
    assert numbers == [4, 2, 5, 3, 10, 6, *range(11, 10 + len(many))]
    rig.write(0, page(9000, 7))
    assert rig.read() == [7] and rig.reader.waiting == 0
    assert rig.reader.events == 7 + len(many)


def test_many_records_that_wait_are_read_in_one_step(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_rows, "_MOST_WAITING", 3)
    rig.write(0, page(100, 1, 2, 3, 4))
    assert rig.read(110) == [1] and rig.one_by_one
    rig.write(1, page(105, 5))
    assert rig.read(120) == [5, 2] and rig.one_by_one
    rig.write(0, page(300, 6, 7))
    assert rig.read(130) == [3]
    rig.write(0, page(400, 9))
    rig.write(1, page(305, 8))
    assert rig.read() == [4, 6, 8, 7, 9] and not rig.one_by_one


def test_after_many_records_they_are_read_in_one_step(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_rows, "_EQUAL", 2)
    monkeypatch.setattr(live_rows, "_MOST_BEYOND", 3)
    for round_ in range(4):
        rig.write(0, page(1000 * round_, 1, 2))
        assert rig.read() == [1, 2] and rig.one_by_one
    rig.write(0, page(9000, *range(6)))
    assert rig.read() == [*range(6)] and rig.one_by_one
    rig.write(0, page(9500, 7))
    assert rig.read() == [7] and not rig.one_by_one


def test_what_comes_while_numpy_is_loaded_is_not_lost(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    real = LivePages._for_many
    taken = []

    def slowly(reader: LivePages, forms: object) -> LiveDecoder:
        rig.write(0, page(5000, 50))
        while select.select([rig.pipes[0][0]], [], [], 0)[0]:
            time.sleep(0.001)
        taken.append(True)
        return real(reader, forms)  # type: ignore[arg-type]

    monkeypatch.setattr(LivePages, "_for_many", slowly)
    rig.write(1, *[page(1000 + 100 * n, n) for n in range(live_rows.FEW_PAGES + 1)])
    assert rig.read() == [*range(live_rows.FEW_PAGES + 1), 50] and taken


@pytest.mark.parametrize(
    "needs",
    [
        {"wants_stacks": {"one"}},
        {"wants_user_stacks": True},
        {"form": MARKER},
    ],
    ids=["stacks", "user stacks", "a field without an end"],
)
def test_what_cannot_be_read_one_by_one(needs: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(monkeypatch, **needs)
    rig.reader.prepare(many=False)
    assert isinstance(rig.reader._made, LiveDecoder)
