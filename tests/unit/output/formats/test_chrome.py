import io
import json

import numpy as np
import pytest

from ktrace.model.batch import Chunk, Lost, Stack
from ktrace.model.column import Strings
from ktrace.output.formats.chrome import Chrome
from tests.unit.output.batches import INVALID, batch, everything


def events(*chunks):
    out = io.BytesIO()
    sink = Chrome(out)
    for chunk in chunks:
        sink.write(chunk)
    sink.close()
    return json.loads(out.getvalue())["traceEvents"]


def drawn(*chunks):
    """Everything but names, as short as possible: phase, name, begin, length."""
    return [(e["ph"], e["name"], e["ts"], e.get("dur")) for e in events(*chunks) if e["ph"] != "M"]


def entry(function, seq, offset=0, **more):
    places = Strings.of([f"{function}+{offset:#x}/0x370"] * len(seq))
    return batch("in_" + function, kind="entry", seq=seq, place=places, **more)


def leave(function, seq, **more):
    rows = len(seq)
    return batch(
        "out_" + function, kind="return", seq=seq, func=Strings.of([function] * rows),
        ret_ip=Strings.of(["caller+0x1/0x2"] * rows), **more,
    )  # fmt: skip


def test_entry_and_return_are_a_slice_with_the_arguments_of_both():
    chunk = Chunk((entry("f", [1], count=np.array([5])), leave("f", [4], ret=np.array([-11]))))
    [line] = [e for e in events(chunk) if e["ph"] == "X"]
    assert line == {
        "name": "f", "cat": "in_f", "ph": "X", "ts": 1.0, "dur": 3.0, "pid": 7, "tid": 7,
        "args": {"count": 5, "ret": -11},
    }  # fmt: skip


def test_the_two_ends_in_different_chunks():
    assert drawn(Chunk((entry("f", [1]),)), Chunk((leave("f", [4]),))) == [("X", "f", 1, 3)]


def test_nested_and_recursive():
    chunk = Chunk((entry("f", [1, 2]), entry("g", [3], offset=4), leave("g", [4]), leave("f", [5, 6])))
    assert drawn(chunk) == [("X", "g", 3, 1), ("X", "f", 2, 3), ("X", "f", 1, 5)]


def test_threads_do_not_mix():
    chunk = Chunk((entry("f", [1, 2], pid=[7, 8]), leave("f", [3, 4], pid=[7, 8])))
    assert drawn(chunk) == [("X", "f", 1, 2), ("X", "f", 2, 2)]


def test_idle_tasks_are_threads_of_their_cpu():
    chunk = Chunk((entry("f", [1, 2], pid=[0, 0], cpu=[0, 1]), leave("f", [3, 4], pid=[0, 0], cpu=[0, 1])))
    got = events(chunk)
    assert [(e["ts"], e["dur"]) for e in got if e["ph"] == "X"] == [(1, 2), (2, 2)]
    assert len({(e["pid"], e["tid"]) for e in got if e["ph"] == "X"}) == 2
    assert {e["args"]["name"] for e in got if e["name"].endswith("_name")} == {
        "swapper/0",
        "swapper/1",
        "CPUs without a task",
    }


def test_no_two_tracks_have_the_same_thread_id():
    """Perfetto finds a thread by its id alone if that is 0, and takes a negative process for process 0."""
    chunk = Chunk(
        (
            entry("f", [1], pid=[0]), leave("f", [6], pid=[0]),
            batch("irq_handler_entry", seq=[2], irq=np.array([5])),
            batch("softirq_entry", seq=[3], vec=np.array([1])),
            batch("softirq_exit", seq=[4], vec=np.array([1])),
            batch("irq_handler_exit", seq=[5], irq=np.array([5])),
        )
    )  # fmt: skip
    got = [e for e in events(chunk) if e["ph"] == "X"]
    assert len({e["tid"] for e in got}) == len(got) == 3
    assert len({e["pid"] for e in got}) == 3
    assert min(e[name] for e in got for name in ("pid", "tid")) >= 1 << 22


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((entry("f", [1]),), [("i", "f", 1, None)]),
        ((leave("f", [1]),), [("i", "f returns", 1, None)]),
        (
            (entry("f", [1], offset=16), leave("f", [2])),
            [("i", "in_f", 1, None), ("i", "f returns", 2, None)],
        ),
        ((entry("f", [1]), entry("g", [2]), leave("f", [3])), [("i", "g", 2, None), ("X", "f", 1, 2)]),
        ((batch("sched_wakeup", seq=[1]),), [("i", "sched_wakeup", 1, None)]),
    ],
)
def test_what_lacks_an_end_is_an_instant(parts, expected):
    assert drawn(Chunk(parts)) == expected


def test_a_loss_may_have_torn_a_pair_apart():
    chunk = Chunk((entry("f", [1]), leave("f", [4])), (Lost(2, 1, 12),))
    assert drawn(chunk) == [
        ("i", "f", 1, None), ("i", "lost 12 events", 4, None), ("i", "f returns", 4, None),
    ]  # fmt: skip


def test_entries_of_a_function_that_never_returns_do_not_pile_up():
    sink = Chrome(io.BytesIO())
    sink.write(Chunk((entry("f", list(range(5000))),)))
    assert sum(map(len, sink._timeline._open.values())) < 100


def test_system_calls():
    chunk = Chunk(
        (
            batch("sys_enter_read", seq=[1], fd=np.array([3])),
            batch("sys_exit_read", seq=[2], ret=np.array([0])),
            batch("sys_enter", seq=[3], id=np.array([1])),
            batch("sys_exit", seq=[5], id=np.array([1])),
            batch("sys_exit", seq=[6], id=np.array([2])),
        )
    )
    assert drawn(chunk) == [
        ("X", "read", 1, 1), ("X", "syscall 1", 3, 2), ("i", "syscall 2 returns", 6, None),
    ]  # fmt: skip


def test_outer_one_first_when_both_begin_together():
    chunk = Chunk((entry("f", [1], ts=[9]), entry("g", [2], ts=[9]), leave("g", [3]), leave("f", [4])))
    assert [e["name"] for e in events(chunk) if e["ph"] == "X"] == ["f", "g"]


def test_names_of_processes_and_threads():
    part = batch(
        "e",
        pid=[7, 8, 9],
        comm=["main", "worker", INVALID],
        tgid=np.array([7, 7, 0], np.int32),
        n=np.arange(3),
    )
    names = {
        (e["name"], e["pid"], e["tid"]): e["args"]["name"] for e in events(Chunk((part,))) if e["ph"] == "M"
    }
    assert names == {
        ("thread_name", 7, 7): "main", ("thread_name", 7, 8): "worker", ("thread_name", 9, 9): "caf\\xe9",
        ("process_name", 7, 0): "main", ("process_name", 9, 0): "caf\\xe9",
    }  # fmt: skip


def test_times_and_numbers_are_exact():
    part = batch(
        "e", ts=[3125954001], n=np.array([2**64 - 1], np.uint64), m=np.array([2**53]), a=np.array([[1, 2]])
    )
    out = io.BytesIO()
    sink = Chrome(out)
    sink.write(Chunk((part,)))
    sink.close()
    assert b'"ts":3125954.001,' in out.getvalue()
    assert b'{"n":"0xffffffffffffffff","m":9007199254740992,"a":[1,2]}' in out.getvalue()


def test_everything_and_nothing():
    assert len([e for e in events(everything()) if e["ph"] == "i"]) == 700 * 2 + 300 + 3
    assert [e["ph"] for e in events()] == ["M"]


def test_stacks_are_instants_with_their_frames():
    chunk = Chunk((), (Stack(1, 5000, 0, 7, "sh", False, ("vfs_read", "ksys_read")),))
    [event] = [e for e in events(chunk) if e["ph"] == "i"]
    assert (event["name"], event["args"]) == ("kernel stack", {"frames": ["vfs_read", "ksys_read"]})


def test_arguments_of_one_name_at_both_ends():
    chunk = Chunk((entry("f", [1], n=np.array([5])), leave("f", [4], n=np.array([6]))))
    [line] = [e for e in events(chunk) if e["ph"] == "X"]
    assert line["args"] == {"n": 5, "end": {"n": 6}}
