"""The meaning of events on a timeline; `tests/perfetto` looks at what a viewer makes of it."""

from dataclasses import replace

import numpy as np
import pytest

from ktrace.model.column import Strings
from ktrace.model.format import Format
from ktrace.output.formats.roles import meanings
from ktrace.output.formats.tracks import Lane
from tests.unit.output.batches import batch


def one(event: str, system: str = "", **columns: object):
    made = batch(event, seq=[1], cpu=[3])
    (meaning,) = meanings(replace(made, columns=columns, format=Format(system, event, 1, ())))
    return meaning


PAIRS = [
    ("irq_handler_entry", "irq_handler_exit", {"irq": 30}, "Interrupts", "irq 30"),
    ("softirq_entry", "softirq_exit", {"vec": 1}, "Softirqs", "TIMER"),
    ("softirq_entry", "softirq_exit", {"vec": 77}, "Softirqs", "softirq 77"),
    ("tasklet_entry", "tasklet_exit", {"tasklet": 5, "func": 6}, "Softirqs", "tasklet"),
    ("workqueue_execute_start", "workqueue_execute_end", {"work": 5}, "", "work"),
    ("timer_expire_entry", "timer_expire_exit", {"timer": 5}, "Softirqs", "timer"),
    ("hrtimer_expire_entry", "hrtimer_expire_exit", {"hrtimer": 5}, "Interrupts", "hrtimer"),
    ("local_timer_entry", "local_timer_exit", {"vector": 236}, "Interrupts", "local_timer"),
    ("sys_enter_read", "sys_exit_read", {}, "", "read"),
    ("sys_enter", "sys_exit", {"id": 17}, "", "syscall 17"),
    ("funcgraph_entry", "funcgraph_exit", {"func": 0x1000}, "", "4096"),
    ("funcgraph_entry", "funcgraph_exit", {"func": 0x1000, "depth": 2}, "", "4096"),
]


@pytest.mark.parametrize(("first", "last", "fields", "group", "name"), PAIRS)
def test_pairs(first: str, last: str, fields: dict[str, int], group: str, name: str) -> None:
    system = "irq_vectors" if "vector" in fields else "any"
    columns = {key: np.array([value]) for key, value in fields.items()}
    begin, end = one(first, system, **columns), one(last, system, **columns)
    assert (begin.role, end.role) == ("begin", "end") and begin.key == end.key
    assert begin.name == name and begin.track == end.track == (Lane(group, 3, "CPU 3") if group else None)


def test_pairs_are_told_apart() -> None:
    keys = {one("irq_handler_entry", irq=np.array([n])).key for n in (1, 2)}
    assert len(keys) == 2
    named = one("irq_handler_entry", irq=np.array([1]), name=Strings.of(["eth0"]))
    assert named.name == "eth0 (irq 1)" and named.key in keys


def test_the_end_of_a_call_may_have_no_name() -> None:
    depth = np.array([2])
    begin = one("funcgraph_entry", func=Strings.of(["vfs_read"]), depth=depth)
    assert begin.name == "vfs_read" and one("funcgraph_exit", depth=depth).key == begin.key
    assert one("funcgraph_exit", depth=depth + 1).key != begin.key


@pytest.mark.parametrize("event", ["irq_handler_entry", "x_entry", "sys_enter", "funcgraph_entry", "print"])
def test_without_the_fields_of_a_pair_it_is_an_instant(event: str) -> None:
    meaning = one(event, other=np.array([1]))
    assert meaning.role == "instant" and meaning.name == event


@pytest.mark.parametrize(
    ("event", "column", "text"),
    [("print", "buf", "B|7|x"), ("bputs", "text", "B|7|x"), ("bprint", "text", "B|7|x\n"),
     ("tracing_mark_write", "body", "B|7|x"), ("", "body", "B|7|x"), ("0xffffffff8120", "body", "B|7|x"),
     ("print", "body", "0: B|7|x"), ("print", "body", "0xffffffff8120: B|7|x")],
)  # fmt: skip
def test_markers_of_recordings_and_of_texts(event: str, column: str, text: str) -> None:
    meaning = one(event, **{column: Strings.of([text])})
    assert (meaning.role, meaning.name, meaning.tgid) == ("begin", "x", 7)
    assert one(event, **{column: Strings.of(["plain: text"])}).role == "instant"
