"""Histograms of the same hits, by every modifier: each is the plain one, regrouped here."""

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ktrace.aggregate.hist import HITCOUNT, Hist, Term, hist_path
from ktrace.aggregate.hist_file import HistTable, log2_range, parse_hist, terms_of
from ktrace.errors import Refused
from ktrace.model.tally import Key, Range, Symbol, Syscall, Task
from ktrace.tracefs.events import enable_step
from tests.kernel.inner_session import InnerSession

HISTS = Path("/sys/kernel/tracing/events/sched/sched_switch/hist").exists()
pytestmark = pytest.mark.skipif(not HISTS, reason="no hist triggers")

SIZES = (1, 2, 3, 64, 65, 777, 4096)
READS = "".join(
    f"dd if=/dev/zero of=/dev/null bs={n} count={i + 3} status=none;" for i, n in enumerate(SIZES)
)
PID, SIZE, ADDRESS, COMM, CPU = (Term(n) for n in ("common_pid", "n", "f", "comm", "common_cpu"))

# By these, the plain form is regrouped into the others.
PLAIN = [SIZE, ADDRESS, PID]
GROUPED: list[tuple[Term, Callable[[Key], object]]] = [
    (Term("n", "hex"), lambda n: n),
    (Term("n", "log2"), lambda n: log2_range(max(n - 1, 0).bit_length())),
    (Term("n", "buckets", 7), lambda n: Range(n // 7 * 7, n // 7 * 7 + 6)),
    (Term("f", "hex"), lambda f: f),
    (Term("f", "sym"), lambda f: f),
    (Term("f", "sym-offset"), lambda f: f),
    (Term("n", "syscall"), lambda n: n),
    (Term("common_pid", "execname"), lambda pid: pid),
]  # fmt: skip


def bare(key: Key) -> object:
    match key:
        case Symbol(address, _):
            return address
        case Task(pid, _):
            return pid
        case Syscall(number, _):
            return number
        case _:
            return key


class Counted:
    """An event with many histograms at once, and what they counted."""

    def __init__(self, session: InnerSession, event: str) -> None:
        self.session, self.event = session, event
        self.refused: list[Hist] = []

    def set(self, *hists: Hist) -> None:
        for hist in hists:
            try:
                self.session.apply(hist.step(self.event, "count"))
            except Refused:
                self.refused.append(hist)

    def run(self) -> list[HistTable]:
        subprocess.run(["sh", "-c", READS], check=True)
        self.session.stop()
        return parse_hist(self.session.files.read(hist_path(self.event)), hist_path(self.event))


@pytest.fixture
def counted() -> Iterator[Counted]:
    with InnerSession() as session:
        event = session.add("vfs_read", "n=%dx:u64", "f=$stack0:u64", "comm=$comm").probe.event
        session.filter_event(event, 'comm == "dd"')
        session.ignore_self()
        session.apply(enable_step(event))
        session.record()
        yield Counted(session, event)


def find(tables: list[HistTable], *keys: Term) -> HistTable:
    wanted = terms_of(Hist(keys).to_text())[0]
    (found,) = [table for table in tables if terms_of(table.info)[0] == wanted]
    return found


def test_every_modifier_of_a_key(counted: Counted) -> None:
    """Only those of dd: a filter that none of the others has keeps them apart from what else reads."""
    only = 'comm == "dd"'
    hists = [Hist((term,), filter=only) for term in [*PLAIN, COMM, CPU, *(term for term, _ in GROUPED)]]
    stack = Hist((Term("common_stacktrace"),), filter=only)
    counted.set(*hists, stack)
    if stack in counted.refused:
        stack = Hist((Term("stacktrace"),), filter=only)
        counted.set(stack)
    counted.set(Hist((SIZE, PID, COMM), filter=only))
    assert counted.refused in ([], [Hist((Term("common_stacktrace"),), filter=only)])
    tables = counted.run()
    assert len(tables) == len(hists) + 2
    sizes = {row.key[0]: row.count for row in find(tables, SIZE).tally.rows}
    assert all(sizes[n] >= i + 3 for i, n in enumerate(SIZES))
    total = sum(sizes.values())
    for table in tables:
        assert table.hits == total == table.tally.count, table.info
    for term, group in GROUPED:
        plain: Counter = Counter()
        for row in find(tables, Term(term.field)).tally.rows:
            plain[group(row.key[0])] += row.count
        shown = {bare(row.key[0]): row.count for row in find(tables, term).tally.rows}
        assert shown == plain, term
    assert [row.key for row in find(tables, COMM).tally.rows] == [("dd",)]
    assert {row.key[0].comm for row in find(tables, Term("common_pid", "execname")).tally.rows} <= {
        "dd",
        "sh",
    }
    assert {row.key[0] for row in find(tables, CPU).tally.rows} <= set(range(64))
    stacks = [row.key[0] for row in find(tables, *stack.keys).tally.rows]
    assert all(any("ksys_read" in frame or "vfs_read" in frame for frame in stack) for stack in stacks)
    for row in find(tables, SIZE, PID, COMM).tally.rows:
        assert row.key[0] in sizes and row.key[2] == "dd"


def test_every_modifier_of_a_value(counted: Counted) -> None:
    only = 'comm == "dd"'
    n, hits = Term("n"), Term(HITCOUNT)
    shapes = {
        "plain": Hist((SIZE,), (n,), filter=only),
        "hex": Hist((SIZE, PID), (Term("n", "hex"),), filter=only),
        "percent": Hist((PID,), (Term("n", "percent"),), filter=only),
        "graph": Hist((PID, SIZE), (Term("n", "graph"), n), filter=only),
    }
    counted.set(*shapes.values())
    # Some kernels know these two, but take them for no field's.
    assert {h.values[0].modifier for h in counted.refused} <= {"percent", "graph"}
    tables = counted.run()
    assert len(tables) == len(shapes) - len(counted.refused)
    for row in find(tables, SIZE).tally.rows:
        assert row.sums == (row.key[0] * row.count,)
    assert hits not in find(tables, SIZE, PID).tally.summed
    for row in find(tables, SIZE, PID).tally.rows:
        assert row.sums == (row.key[0] * row.count,)
    if shapes["graph"] not in counted.refused:
        for row in find(tables, PID, SIZE).tally.rows:
            assert row.sums == (row.key[1] * row.count,)
    total = sum(row.count for row in find(tables, SIZE).tally.rows)
    assert all(table.tally.count == total for table in tables)


def test_times_in_microseconds_and_expressions(counted: Counted) -> None:
    only = 'comm == "dd"'
    counted.set(
        Hist((Term("common_timestamp", "usecs"),), size=1024, filter=only),
        Hist((Term("n"), Term("common_cpu")), sort=((Term("n"), True),), filter=only),
        Hist((Term("n+1"),), filter=only),
    )
    assert not counted.refused
    tables = counted.run()
    times = find(tables, Term("common_timestamp", "usecs"))
    by_size, more = find(tables, Term("n"), Term("common_cpu")), find(tables, Term("n+1"))
    assert times.tally.count == by_size.tally.count == more.tally.count > 0
    shown = [row.key[0] for row in by_size.tally.rows]
    assert shown == sorted(shown, reverse=True)
    assert {row.key[0] for row in more.tally.rows} == {n + 1 for n in shown}
    stamps = sorted(row.key[0] for row in times.tally.rows)
    assert stamps[-1] - stamps[0] < 10**9  # of a boot's age, in microseconds
