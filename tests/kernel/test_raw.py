"""The buffer's pages against the kernel's own text: one buffer, read both ways."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path

import pytest

from ktrace.model.batch import Chunk, Lost
from ktrace.output.formats.text import Text
from ktrace.session.page_decoder import Formats, layout_of, live_decoder
from ktrace.stream.enrich import Enrich
from ktrace.stream.flags import FlagStyle
from ktrace.stream.printk_formats import PrintkFormats
from ktrace.stream.saved_names import SavedNames
from ktrace.stream.symbol_table import SymbolTable
from ktrace.tracefs.events import has_call_texts
from tests.kernel.inner_session import InnerSession

# A million events take an hour where the processor is emulated: by hand.
EVENTS = int(os.environ.get("KTRACE_ORACLE_EVENTS", "24000"))

HITS_A_READ = 4  # a probe, a return probe, and the system call's two ends


@dataclass
class Read:
    """One buffer, as the kernel's text and as ours: files, since a million lines are too many for lists."""

    theirs: Path
    ours: Path
    events: int
    cpus: set[int]

    def lines(self) -> list[str]:
        return self.ours.read_text().splitlines()

    def differences(self) -> list[tuple[str | None, str | None]]:
        """The first lines that are not the same."""
        with self.theirs.open(errors="surrogateescape") as theirs, self.ours.open() as ours:
            wanted = (line for line in theirs if not line.startswith("#"))
            return list(islice(((o, t) for o, t in zip_longest(ours, wanted) if o != t), 20))


def read_both(session: InnerSession, directory: Path) -> Read:
    """Return everything that a session has recorded and nobody has read yet."""
    with (Path(session.files.root) / "trace").open("rb") as trace, (directory / "theirs").open("wb") as copy:
        shutil.copyfileobj(trace, copy, 1 << 20)
    formats = Formats(session.tracing)
    formats.learn(session.events)
    live = live_decoder(session.files, formats)
    enrich = Enrich(
        SavedNames(session.saved_names()),
        SymbolTable(Path("/proc/kallsyms").read_bytes()),
        FlagStyle.from_header(_header(directory / "theirs")),
        formats.name_of,
        PrintkFormats(lambda: session.tracing.read("printk_formats")),
        call_texts=has_call_texts(session.tracing),
    )
    read = Read(directory / "theirs", directory / "ours", 0, set())
    with read.ours.open("wb") as out:
        sink = Text(out)

        def show(chunk: Chunk) -> None:
            read.events += len(chunk)
            for batch in chunk.batches:
                read.cpus |= set(batch.cpu.tolist())
            sink.write(enrich(chunk))

        while passes := session._pipe.read():
            show(live.feed(passes))
        show(live.finish())
    assert not live.unparsed
    return read


def _header(trace: Path) -> str:
    with trace.open("rb") as file:
        return file.read(4096).decode("utf-8", "replace")


@pytest.fixture
def session() -> Iterator[InnerSession]:
    with InnerSession(buffer_kb=max(1024, EVENTS // 12)) as made:
        yield made


def reading(count: int, size: int = 1) -> None:
    """Run two programs that read many times, each on its own CPU."""
    loops = [
        subprocess.Popen(
            ["taskset", "-c", str(cpu), "dd", "if=/dev/zero", "of=/dev/null", f"bs={size}", f"count={count}"],
            stderr=subprocess.DEVNULL,
        )
        for cpu in (0, 1)
    ]
    for loop in loops:
        assert loop.wait() == 0


def start_pages(session: InnerSession) -> None:
    session.start_pages(layout_of(session.files).size)


def test_many_mixed_events(session: InnerSession, tmp_path: Path) -> None:
    """Probes, return probes, system calls and the scheduler: every line is the kernel's own."""
    session.add("vfs_read", "n=%dx:u64", "c=$comm", "p=+0(%di):x8[4]", "s=+0($stack):symbol", name="enter")
    session.add("vfs_read", "ret=$retval:s64", at_return=True, name="leave")
    for event in ("sys_enter_read", "sys_exit_read"):
        session.trace_event(f"syscalls/{event}")
    for event in ("sched_switch", "sched_waking", "sched_wakeup"):
        session.trace_event(f"sched/{event}")
    start_pages(session)
    reading(EVENTS // HITS_A_READ // 2)
    session.stop()
    read = read_both(session, tmp_path)
    print(f"{read.events} events")
    assert read.events >= EVENTS
    assert read.differences() == []


def test_stacks_and_markers(session: InnerSession, tmp_path: Path) -> None:
    session.add("vfs_read", "n=%dx:u64", name="enter")
    session.trace_event(session.events[0], stack=True)
    start_pages(session)
    session.files.write("trace_marker", "a marker")
    reading(20)
    session.files.write("trace_marker", "another")
    session.stop()
    read = read_both(session, tmp_path)
    assert read.differences() == []
    assert sum(" => " in line for line in read.lines()) > 40
    assert sum("marker" in line or "another" in line for line in read.lines()) >= 2


@pytest.mark.parametrize("clock", ["counter", "x86-tsc", "global"])
def test_clocks(clock: str, tmp_path: Path) -> None:
    with InnerSession(clock=clock) as session:
        session.add("vfs_read", "n=%dx:u64", name="enter")
        start_pages(session)
        reading(300)
        session.stop()
        assert read_both(session, tmp_path).differences() == []


@pytest.mark.parametrize("kilobytes", [8, 64])
def test_pages_of_several_pages_of_memory(session: InnerSession, kilobytes: int, tmp_path: Path) -> None:
    if not session.files.exists("buffer_subbuf_size_kb"):
        assert layout_of(session.files).size == os.sysconf("SC_PAGESIZE")
        return
    session.files.write("buffer_subbuf_size_kb", str(kilobytes))
    assert layout_of(session.files).size == kilobytes * 1024
    session.add("vfs_read", "n=%dx:u64", "c=$comm", name="enter")
    start_pages(session)
    reading(1500)
    session.stop()
    read = read_both(session, tmp_path)
    assert read.events >= 3000 and read.differences() == []


def test_every_loss_is_told() -> None:
    """A small buffer that nobody reads at first, and that overflows again while it is read."""
    with InnerSession(buffer_kb=16) as session:
        session.add("vfs_read", "n=%dx:u64", name="enter")
        formats = Formats(session.tracing)
        formats.learn(session.events)
        live = live_decoder(session.files, formats)
        start_pages(session)
        chunks = []
        for _ in range(4):
            reading(2000)
            chunks.append(live.feed(session._pipe.read()))
        session.stop()
        while passes := session._pipe.read():
            chunks.append(live.feed(passes))
        chunks.append(live.finish())
        stats = {s.cpu: s for s in session.stats()}
    marks = [mark for chunk in chunks for mark in chunk.marks]
    told: dict[int, int] = {}
    for mark in marks:
        assert isinstance(mark, Lost)
        told[mark.cpu] = told.get(mark.cpu, 0) + (mark.count or 0)
    assert told == {cpu: s.overrun for cpu, s in stats.items() if s.overrun}
    assert len(marks) >= 6
    delivered = sum(map(len, chunks))
    assert delivered + sum(told.values()) >= 4 * 2 * 2000
    assert delivered == sum(s.read for s in stats.values())


def test_an_event_that_is_made_while_its_buffer_is_read(
    session: InnerSession, foreign: Callable[[str], None]
) -> None:
    session.add("vfs_read", "n=%dx:u64", name="enter")
    formats = Formats(session.tracing)
    formats.learn(session.events)
    live = live_decoder(session.files, formats)
    start_pages(session)
    reading(5)
    chunks = [live.feed(session._pipe.read())]
    foreign("p:kprobes/late vfs_read m=%dx:u64")
    session.files.write("events/kprobes/late/enable", "1")
    reading(5)
    session.files.write("events/kprobes/late/enable", "0")
    session.stop()
    chunks += [live.feed(session._pipe.read()), live.finish()]
    events = {batch.event: batch for chunk in chunks for batch in chunk.batches}
    assert set(events) == {"enter", "late"} and 1 in events["late"]["m"].tolist()
    assert not [mark for chunk in chunks for mark in chunk.marks]


def test_a_probe_that_goes_before_its_records_are_read(session: InnerSession, tracing: Path) -> None:
    """The kernel may drop the records with it; those that it keeps are decoded."""
    defined = session.add("vfs_read", "n=%dx:u64", name="enter")
    formats = Formats(session.tracing)
    formats.learn(session.events)
    live = live_decoder(session.files, formats)
    start_pages(session)
    reading(500)
    before = session._pipe.read()
    session.files.write(f"events/{defined.probe.event}/enable", "0")
    session.tracing.write("kprobe_events", f"-:{defined.probe.event}")
    chunks = [live.feed(before), live.feed(session._pipe.read()), live.finish()]
    assert not [mark for chunk in chunks for mark in chunk.marks]
    assert {batch.event for chunk in chunks for batch in chunk.batches} == {"enter"}


def test_a_cpu_that_is_switched_off(session: InnerSession, tmp_path: Path) -> None:
    """Records made before a CPU goes offline are read, and so are those made after it is online again."""
    switch = Path("/sys/devices/system/cpu/cpu1/online")
    session.add("vfs_read", "n=%dx:u64", name="enter")
    start_pages(session)
    reading(50)
    switch.write_text("0")
    try:
        assert session._pipe.read()
        subprocess.run(["dd", "if=/dev/zero", "of=/dev/null", "bs=7", "count=20"], check=True)
        assert session._pipe.read()
    finally:
        switch.write_text("1")
    reading(60, size=3)
    session.stop()
    read = read_both(session, tmp_path)
    assert read.differences() == []
    assert read.cpus == {0, 1}
