"""Records that are read one by one, with what they tell of tasks."""

import struct
from collections.abc import Iterable, Mapping

import pytest

from ktrace.model.batch import Chunk
from ktrace.ringbuffer.decode import Decoder
from ktrace.ringbuffer.layout import PageLayout
from ktrace.script.driver.live_rows import LiveRows
from ktrace.script.passes.runnable import TaskNeeds
from ktrace.script.runtime.columns import ChunkEvents
from ktrace.script.runtime.named_batches import NameEvents, named
from ktrace.script.runtime.task_events import name_ids, take_lives
from ktrace.script.runtime.tasks import Tasks
from ktrace.stream.enrich import Enrich
from ktrace.stream.merge import Merge
from ktrace.stream.symbol_table import SymbolTable
from tests.unit.ringbuffer.formats import FieldLine, make_format
from tests.unit.ringbuffer.page_writer import PageWriter, common

HIT = make_format("hit", 71, FieldLine("u32 n", 8, 4))
RENAME = make_format(
    "task_rename",
    72,
    *(FieldLine("pid_t pid", 8, 4, 1), FieldLine("char oldcomm[16]", 12, 16)),
    FieldLine("char newcomm[16]", 28, 16),
    system="task",
)
FORK = make_format(
    "task_newtask",
    73,
    *(FieldLine("pid_t pid", 8, 4, 1), FieldLine("char comm[16]", 12, 16)),
    FieldLine("unsigned long clone_flags", 28, 8),
    system="task",
)
FORMS = {form.id: form for form in (HIT, RENAME, FORK)}
LAYOUT = PageLayout()


class LookUps:
    """The names of tasks as they are now, asked for once."""

    def __init__(self, tasks: Tasks) -> None:
        self.now = {7: "dd", 9: "cat"}
        self.tasks = tasks
        self._known: dict[int, str] = {}

    def names(self, pids: Iterable[int]) -> Mapping[int, str]:
        self._known.update({pid: self.now[pid] for pid in pids if pid in self.now and pid not in self._known})
        return self._known

    def name_at(self, tid: int, ts: int) -> str | None:
        return self.tasks.name(tid, ts)

    def groups(self, tids: Iterable[int]) -> Mapping[int, int]:
        return {tid: tid for tid in tids}


def hit(pid: int) -> bytes:
    return common(71, pid=pid) + bytes(4)


def rename(pid: int, old: bytes, new: bytes) -> bytes:
    return common(72, pid=pid) + struct.pack("<i16s16s", pid, old, new)


def fork(pid: int, child: int, name: bytes) -> bytes:
    return common(73, pid=pid) + struct.pack("<i16sQ", child, name, 0)


PAGES = {
    0: PageWriter(1000).record(hit(7)).record(rename(7, b"sh", b"dd"), 10).record(hit(7), 10).bytes(),
    1: PageWriter(1005)
    .record(hit(9))
    .record(fork(7, 11, b"sh"), 3)
    .record(hit(11), 4)
    .record(hit(7), 3)
    .bytes(),
}
NAMES = [("sh", 1000), ("cat", 1005), ("sh", 1012), ("dd", 1015), ("dd", 1020)]


def names_of(events: ChunkEvents | object) -> list[tuple[str, int]]:
    (hits,) = [one for one in events.events if one.event == "hit"]  # type: ignore[attr-defined]
    return list(zip(hits.data("comm"), hits.data("ts"), strict=True))


def test_each_hit_has_the_name_of_its_time() -> None:
    tasks = Tasks()
    rows = LiveRows(FORMS, LAYOUT, LookUps(tasks), tasks, name_ids(FORMS.values(), TaskNeeds(names=True)))
    for cpu, page in PAGES.items():
        rows.add(cpu, page)
    assert names_of(rows.named(rows.take(None))) == NAMES
    assert tasks.parent(11, 2000) == 7


def test_the_same_in_one_step() -> None:
    tasks, decoder = Tasks(), Decoder(FORMS)
    merge, learning = Merge(decoder), NameEvents(tasks, decoder, [72, 73])
    for cpu, page in PAGES.items():
        records = decoder.walk(page, cpu)
        merge.add(records)
        learning.learn(records)
    chunk: Chunk = Enrich(LookUps(tasks).names, SymbolTable(b""))(merge.take())
    take_lives(tasks, ChunkEvents(chunk))
    assert names_of(ChunkEvents(named(tasks, chunk))) == NAMES
    assert tasks.parent(11, 2000) == 7


def test_names_are_asked_for_before_later_renames_can_be_missed() -> None:
    """After the records are taken, a task may get a name that no record that was read tells of."""
    tasks = Tasks()
    look_ups = LookUps(tasks)
    rows = LiveRows(FORMS, LAYOUT, look_ups, tasks, [72, 73])
    rows.add(0, PageWriter(1000).record(hit(9)).bytes())
    taken = rows.take(None)
    look_ups.now[9] = "renamed"
    assert names_of(rows.named(taken)) == [("cat", 1000)]


@pytest.mark.parametrize(("needs", "ids"), [(TaskNeeds(), []), (TaskNeeds(lives=True), [72, 73])])
def test_names_are_followed_only_if_a_script_asks(needs: TaskNeeds, ids: list[int]) -> None:
    assert name_ids(FORMS.values(), needs) == ids
