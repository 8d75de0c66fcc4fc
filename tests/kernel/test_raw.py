"""The buffer's pages against the kernel's own text: one buffer, read both ways."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest

from ktrace.model.batch import Chunk
from ktrace.output.text import Text
from ktrace.session.raw import Formats, layout_of, live_decoder
from ktrace.session.session import Session
from ktrace.stream.enrich import Enrich
from ktrace.stream.flags import FlagStyle
from ktrace.stream.saved_names import SavedNames
from ktrace.stream.symbol_table import SymbolTable

# A million events take an hour where the processor is emulated: by hand.
EVENTS = int(os.environ.get("KTRACE_ORACLE_EVENTS", "24000"))

HITS_A_READ = 4  # a probe, a return probe, and the system call's two ends
CHUNK_LINES = 100_000  # lines of the kernel's text compared at a time


@dataclass
class Read:
    """One buffer, as the kernel's text and as ours."""

    theirs: list[str]
    ours: list[str]
    chunks: list[Chunk]


def read_both(session: Session) -> Read:
    """What a session has recorded and nobody has read yet."""
    theirs = [line for line in session.files.read("trace").split("\n") if not line.startswith("#")]
    formats = Formats(session.tracing)
    formats.learn(session.events)
    live = live_decoder(session.files, formats)
    enrich = Enrich(
        SavedNames(session.saved_names()),
        SymbolTable(Path("/proc/kallsyms").read_bytes()),
        FlagStyle.from_header(session.files.read("trace")),
        formats.name_of,
    )
    chunks = []
    pipes = session._pipe
    while passes := pipes.read():
        chunks.append(live.feed(passes))
    chunks.append(live.finish())
    out = BytesIO()
    sink = Text(out)
    chunks = [enrich(chunk) for chunk in chunks]
    for chunk in chunks:
        sink.write(chunk)
    return Read(theirs, out.getvalue().decode("utf-8").split("\n"), chunks)


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(buffer_kb=max(1024, EVENTS // 12)) as made:
        yield made


def reading(count: int, size: int = 1) -> None:
    """Two programs, each on a CPU of its own, that read many times."""
    loops = [
        subprocess.Popen(
            ["taskset", "-c", str(cpu), "dd", "if=/dev/zero", "of=/dev/null", f"bs={size}", f"count={count}"],
            stderr=subprocess.DEVNULL,
        )
        for cpu in (0, 1)
    ]
    for loop in loops:
        assert loop.wait() == 0


def differences(read: Read) -> list[tuple[str, str]]:
    assert len(read.ours) == len(read.theirs)
    return [(o, t) for o, t in zip(read.ours, read.theirs, strict=True) if o != t]


def test_many_mixed_events(session: Session) -> None:
    """Probes, return probes, system calls and the scheduler: every line is the kernel's own."""
    session.add("vfs_read", "n=%dx:u64", "c=$comm", "p=+0(%di):x8[4]", "s=+0($stack):symbol", name="enter")
    session.add("vfs_read", "ret=$retval:s64", at_return=True, name="leave")
    for event in ("sys_enter_read", "sys_exit_read"):
        session.trace_event(f"syscalls/{event}")
    for event in ("sched_switch", "sched_waking", "sched_wakeup"):
        session.trace_event(f"sched/{event}")
    session.start_pages(layout_of(session.files).size)
    reading(EVENTS // HITS_A_READ // 2)
    session.stop()
    read = read_both(session)
    assert sum(map(len, read.chunks)) >= EVENTS
    assert differences(read) == []
