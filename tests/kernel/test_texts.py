"""The kernel's text with its options switched, as `ktrace parse` reads it, against the pages."""

import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ktrace.model.batch import Batch
from ktrace.session.page_decoder import Formats, layout_of, live_decoder
from ktrace.texts.kind import Kind
from ktrace.texts.reader import TextReader
from tests.kernel.inner_session import InnerSession

NAMES = (b"a b", b"x-12 [000]", b"a:b: c", b"]-7", b"\xc3\xa9t\xc3\xa9", b"7", b"prev_pid=9")

# How the kernel prints: the options to switch, the kind of text, and whether times are absolute.
PRINTED: dict[str, tuple[dict[str, str], Kind, bool]] = {
    "plain": ({}, Kind.TRACE, True),
    "noirq-info": ({"irq-info": "0"}, Kind.TRACE, True),
    "tgid": ({"record-tgid": "1"}, Kind.TRACE, True),
    "verbose": ({"verbose": "1"}, Kind.TRACE, True),
    "latency-format": ({"latency-format": "1"}, Kind.LATENCY, False),
    "latency-format verbose": ({"latency-format": "1", "verbose": "1"}, Kind.LATENCY, True),
}
SHOWN = {
    "sched_switch": ("prev_comm", "prev_pid", "prev_prio", "next_comm", "next_pid", "next_prio"),
    "sys_enter_read": ("fd", "buf", "count"),
    "sys_exit_read": ("ret",),
    "enter": ("n",),
    "leave": ("ret",),
}


@pytest.fixture
def session() -> Iterator[InnerSession]:
    with InnerSession(buffer_kb=2048) as made:
        yield made


def named_reads() -> None:
    """Programs of odd names, each of which reads."""
    libc = ctypes.CDLL(None)
    for name in NAMES:
        child = os.fork()
        if child == 0:
            libc.prctl(15, name, 0, 0, 0)  # PR_SET_NAME
            with Path("/dev/zero").open("rb", buffering=0) as zero:
                for size in range(1, 20):
                    zero.read(size)
                    os.sched_yield()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0


def rows(batches: list[Batch]) -> list[tuple[int, str, int, int, int, tuple[Any, ...]]]:
    """Position, event, CPU, task, time, and the fields that are compared."""
    found = []
    for batch in batches:
        wanted = SHOWN.get(batch.event)
        if wanted is None:
            continue
        columns = [batch.columns[name].tolist() for name in wanted]
        found += [
            (seq, batch.event, cpu, pid, ts, values)
            for seq, cpu, pid, ts, values in zip(
                batch.seq.tolist(), batch.cpu.tolist(), batch.pid.tolist(), batch.ts.tolist(),
                zip(*columns, strict=True), strict=True,
            )
        ]  # fmt: skip
    return sorted(found)


@pytest.mark.parametrize("clock", ["local", "mono", "counter", "x86-tsc", "uptime"])
def test_text_with_each_option_equals_the_pages(session: InnerSession, clock: str, tmp_path: Path) -> None:
    files = session.files
    files.write("trace_clock", clock)
    session.add("vfs_read", "n=%dx:u64", name="enter")
    session.add("vfs_read", "ret=$retval:s64", at_return=True, name="leave")
    for event in ("syscalls/sys_enter_read", "syscalls/sys_exit_read", "sched/sched_switch"):
        session.trace_event(event)
    session.start_pages(layout_of(files).size)
    child = os.fork()  # what this process does itself is never recorded
    if child == 0:
        named_reads()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    session.stop()
    texts = {}
    for how, (options, _, _) in PRINTED.items():
        before = {name: files.read(f"options/{name}").strip() for name in options}
        for name, value in options.items():
            files.write(f"options/{name}", value)
        with (Path(files.root) / "trace").open("rb") as trace, (tmp_path / "text").open("wb") as copy:
            shutil.copyfileobj(trace, copy)
        texts[how] = (tmp_path / "text").read_bytes()
        for name, value in before.items():
            files.write(f"options/{name}", value)
    formats = Formats(session.tracing)
    formats.learn(session.events)
    live = live_decoder(files, formats)
    batches: list[Batch] = []
    while passes := session._pipe.read():
        batches += live.feed(passes).batches
    batches += live.finish().batches
    pages = rows(batches)
    assert {row[1] for row in pages} == set(SHOWN)
    ticks = clock in ("counter", "x86-tsc", "uptime")
    for how, (_, kind, absolute) in PRINTED.items():
        reader = TextReader()
        chunks = [reader.feed(texts[how]), reader.finish()]
        text = rows([batch for chunk in chunks for batch in chunk.batches])
        assert (reader.kind, reader.unparsed) == (kind, 0), how
        # Two events at one time may be in any order.
        assert sorted(one[1:4] + one[5:] for one in text) == sorted(one[1:4] + one[5:] for one in pages), how
        times, wanted = [sorted(row[4] for row in some) for some in (text, pages)]
        unit = 0 if ticks else 1000  # nanoseconds that a microsecond cuts off
        start = 0 if absolute or not times else wanted[0] - times[0]
        assert all(
            abs(t + start - w) <= unit * (1 if absolute else 2) for t, w in zip(times, wanted, strict=True)
        ), how
