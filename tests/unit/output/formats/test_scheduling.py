import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.model.column import Strings
from ktrace.output.formats.scheduling import States, Switch, Wakeup, scheduling, state_name
from tests.unit.output.batches import batch
from tests.unit.output.printfmt.records import event

A, B, IDLE = ("a", 8), ("b", 9), ("swapper/0", 0)


def switch(ts: int, prev: tuple[str, int], state: int, following: tuple[str, int], cpu: int = 0) -> Switch:
    return Switch(ts, cpu, *prev, 120, state, *following, 120)


def wakeup(ts: int, who: tuple[str, int], event: str = "sched_wakeup") -> Wakeup:
    return Wakeup(ts, 0, 1, event, *who, 120, 0)


def spans(*events: Switch | Wakeup, end: int = 100) -> list[tuple[str, int, int, int, str]]:
    states = States()
    found = [span for event in events for span in states.add(event)]
    found += states.finish(end)
    return [(lane.group, lane.number, begin, last, name) for lane, begin, last, name in found]


def test_states_and_cpus() -> None:
    cpus, threads = "CPUs", "States of threads"
    events = switch(10, IDLE, 0, A), switch(20, A, 1, B), wakeup(25, A), switch(30, B, 0x100, A)
    assert spans(*events) == [
        (cpus, 0, 10, 20, "a [8]"),
        (threads, 8, 10, 20, "Running"),
        (threads, 8, 20, 25, "Sleeping"),
        (cpus, 0, 20, 30, "b [9]"),
        (threads, 9, 20, 30, "Running"),
        (threads, 8, 25, 30, "Runnable"),
        (cpus, 0, 30, 100, "a [8]"),
        (threads, 8, 30, 100, "Running"),
        (threads, 9, 30, 100, "Runnable (preempted)"),
    ]


def test_a_thread_that_runs_is_not_woken() -> None:
    named = [name for *_, name in spans(switch(10, IDLE, 0, A), wakeup(15, A), switch(20, A, 2, IDLE))]
    assert named == ["a [8]", "Running", "Uninterruptible sleep"]


def test_after_a_loss_nothing_is_known() -> None:
    states = States()
    list(states.add(switch(10, IDLE, 0, A)))
    states.forget()
    assert list(states.add(switch(20, A, 1, IDLE))) == []
    assert [span.begin for span in states.finish(30)] == [20]


def test_a_switch_from_a_thread_that_was_not_there() -> None:
    assert not [row for row in spans(switch(10, IDLE, 0, A), switch(20, B, 1, IDLE)) if row[0] == "CPUs"]


@pytest.mark.parametrize(
    ("bits", "name"),
    [(0, "Runnable"), (1, "Sleeping"), (2, "Uninterruptible sleep"), (0x82, "Uninterruptible sleep"),
     (0x80, "Idle"), (0x100, "Runnable (preempted)"), (0x20, "Zombie"), (-1, "Sleeping")],
)  # fmt: skip
def test_names_of_states(bits: int, name: str) -> None:
    assert state_name(bits) == name


@pytest.mark.parametrize(
    ("text", "bits"), [("R", 0), ("S", 1), ("D", 2), ("R+", 0x100), ("I", 0x80), ("64", 64)]
)
def test_from_text_and_numbers(text: str, bits: int) -> None:
    columns = {
        "prev_comm": Strings.of(["a"]), "prev_pid": Strings.of(["8"]), "prev_prio": np.array([120]),
        "prev_state": Strings.of([text]), "next_comm": Strings.of(["b"]), "next_pid": np.array([9]),
        "next_prio": np.array([120]),
    }  # fmt: skip
    (found,) = scheduling(batch("sched_switch", seq=[1], **columns)) or ()
    assert found == Switch(1000, int(found.cpu), "a", 8, 120, bits, "b", 9, 120)
    assert scheduling(batch("sched_switch", seq=[1], prev_comm=Strings.of(["a"]))) is None


def switched(flags: str, plus: int, states: list[int]) -> list[int]:
    """The bits of records whose `print fmt` names the states so, and marks preemption by the bit `plus`."""
    form = event(
        '"prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%s%s ==> next_comm=%s next_pid=%d next_prio=%d",'
        f" REC->prev_comm, REC->prev_pid, REC->prev_prio, (REC->prev_state & ({plus}-1)) ?"
        f' __print_flags(REC->prev_state & ({plus}-1), "|", {flags}) : "R",'
        f' REC->prev_state & {plus} ? "+" : "", REC->next_comm, REC->next_pid, REC->next_prio',
        "char prev_comm[16] 16 1", "pid_t prev_pid 4 1", "int prev_prio 4 1", "long prev_state 8 1",
        "char next_comm[16] 16 1", "pid_t next_pid 4 1", "int next_prio 4 1", name="sched_switch",
        system="sched",
    )  # fmt: skip
    rows = len(states)
    names, numbers = Strings.of(["prev_state=Z ==>"] * rows), np.full(rows, 8)
    columns = {
        "prev_comm": names, "prev_pid": numbers, "prev_prio": numbers, "prev_state": np.array(states),
        "next_comm": names, "next_pid": numbers, "next_prio": numbers,
    }  # fmt: skip
    found = scheduling(batch("sched_switch", format=form, **columns)) or []
    return [one.state for one in found if isinstance(one, Switch)]


def test_states_of_kernels_that_number_them_differently() -> None:
    old = '{ 1, "S"} , { 2, "D" }, { 4, "T" }, { 8, "t" }, { 16, "Z" }, { 32, "X" }, { 64, "x" }'
    more = old + ', { 128, "K" }, { 256, "W" }, { 512, "P" }'
    states = [0, 1, 2, 4, 8, 16, 32, 64, 512, 1024, 1026]
    assert switched(more, 1024, states) == [0, 1, 2, 4, 8, 0x20, 0x10, 0x10, 0x40, 0x100, 0x100]
    assert switched(more + ', { 1024, "N" }', 2048, [1026, 2048, 2050]) == [0x80, 0x100, 0x100]
    assert switched(old, 512, [512, 256, 258]) == [0x100, 0, 2]
    new = '{ 1, "S" }, { 2, "D" }, { 4, "T" }, { 8, "t" }, { 0x10, "X" }, { 0x20, "Z" }, { 0x40, "P" },'
    assert switched(new + ' { 0x80, "I" }', 256, [0, 16, 32, 64, 128, 256]) == [0, 16, 32, 64, 128, 256]


EVENTS = st.one_of(
    st.builds(switch, st.integers(0, 99), st.sampled_from([A, B, IDLE]), st.integers(0, 0x1FF),
              st.sampled_from([A, B, IDLE]), st.integers(0, 1)),
    st.builds(wakeup, st.integers(0, 99), st.sampled_from([A, B])),
)  # fmt: skip


@given(st.lists(EVENTS, max_size=30))
def test_any_order(events: list[Switch | Wakeup]) -> None:
    found = spans(*sorted(events, key=lambda event: event.ts))
    by_lane: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for group, number, begin, end, _ in found:
        by_lane.setdefault((group, number), []).append((begin, end))
    for times in by_lane.values():
        assert all(begin <= end for begin, end in times)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(times))
