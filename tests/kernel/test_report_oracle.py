"""Recordings of all events: `ktrace report` and `trace-cmd report` line by line, judged by `trace`.

What is different is listed in docs/trace-cmd-differences.md. Each recording is made of a buffer that has
been stopped, so that the three show the same records, and nothing records its own reading.
"""

import os
import re
import shlex
import struct
import subprocess
import traceback
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest

from ktrace.host.local import LocalHost
from ktrace.session.session import Session
from ktrace.tracefs.events import all_events
from ktrace.tracefs.mount import find_tracing
from tests.kernel.conftest import append
from tests.kernel.random_records import recording
from tests.kernel.report_lines import (
    BUILT,
    CRASHING,
    EXPLAINED,
    Record,
    alike,
    counted,
    explains,
    kernels,
    records,
    same_as_kernel,
    trace_cmds,
)
from tests.kernel.test_text_oracle import activity

# `make test-all` compares everything, which takes three minutes where the processor is emulated.
WHOLE = os.environ.get("KTRACE_ORACLE") == "whole"

# KiB for each CPU: with all events on, the activity fills some 1000.
BUFFER_KB = 3000

# The number of records of all events that are compared.
LIMIT = None if WHOLE else 6000

PROBES = (
    "p:oracle/p_many vfs_read a=%di:u64 b=%si:s32 c=$comm x=%dx:x16 sym=+0($stack):symbol arr=+0(%di):x8[4]",
    "r:oracle/p_return vfs_read ret=$retval:s64 c=$comm",
    "p:oracle/p_bits vfs_write b=%dx:b4@2/32 u=%dx:u8",
    "p:oracle/p_char vfs_write ch=%dx:char q=$comm",
    "p:oracle/p_fault vfs_write s=+0(%dx):string u=+0(%si):ustring",
    "p:oracle/p_strings do_sys_openat2 n=+0(%si):ustring[1] m=+u0(%si):string k=+0(%si):x64",
    "p:oracle/p_none vfs_fsync_range",
    # Not all kernels have these.
    "f:oracle/f_entry vfs_open",
    "f:oracle/f_return vfs_open%return r=$retval",
    "e:oracle/e_switch sched.sched_switch p=$next_pid:u32 c=$next_comm:string",
    "s:oracle_synthetic u64 d; char comm[16]; pid_t p",
)
_SWITCH = (
    "hist:keys=next_pid:d=common_timestamp.usecs-$ts0:"
    "onmatch(sched.sched_waking).trace(oracle_synthetic,$d,next_comm,next_pid)"
)
_WAKING = "hist:keys=pid:ts0=common_timestamp.usecs"

FUNCTIONS = ("vfs_*", "ksys_*", "do_sys_open*")

# All of these must have happened.
EXPECTED = {
    "sched_switch", "sched_waking", "sched_process_exec", "sys_enter", "sys_exit", "sys_openat",
    "softirq_entry", "timer_start", "hrtimer_start", "kmalloc", "kmem_cache_free", "mm_page_alloc",
    "rcu_utilization",
    "page_fault_user", "net_dev_queue", "p_many", "p_return", "p_bits", "p_fault", "p_strings",
}  # fmt: skip


@pytest.fixture
def probes(tracing: Path) -> Iterator[list[str]]:
    """Define what this kernel has of PROBES; yield the names of their events."""
    control = tracing / ("dynamic_events" if (tracing / "dynamic_events").exists() else "kprobe_events")
    made = []
    for line in PROBES:
        with suppress(OSError):
            append(control, line)
            made.append(line.split()[0].partition(":")[2])
    yield made
    for name in made:
        append(control, f"-:{'synthetic/' * ('/' not in name)}{name}")


def write(buffer: Path, name: str, text: str | bytes) -> None:
    """Write to a control file of a buffer; what this kernel does not have is left out."""
    with suppress(OSError):
        # Not truncated, which would remove the triggers and filters that are there.
        fd = os.open(buffer / name, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(fd, text.encode() if isinstance(text, str) else text)
        finally:
            os.close(fd)


def record(session: Session, buffer: Path) -> None:
    """Record what a child does, which is a little of everything."""
    write(buffer, "tracing_on", "1")
    child = os.fork()
    if child == 0:
        try:
            for length in (0, 1, 3, 5, 100):
                data = struct.pack("=I", 0x77 + length) + bytes(range(256))[:length].ljust(length, b"\xff")
                write(buffer, "trace_marker_raw", data)
            for text in (b"with\nnewlines\n\n", b"a tab\t, \x01 and \xff\n", b"no end"):
                write(buffer, "trace_marker", text)
            activity(session)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    write(buffer, "tracing_on", "0")


def saved(buffer: Path, folder: Path, instance: str = "") -> tuple[Path, Path]:
    """Save a stopped buffer: as the kernel's text, and as trace-cmd's recording of the same pages."""
    text, recorded = folder / "trace.txt", folder / "trace.dat"
    text.write_bytes((buffer / "trace").read_bytes())
    where = ["-B", instance] if instance else []
    done = subprocess.run(["trace-cmd", "extract", "-o", recorded, *where], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return text, recorded


def check(
    mine: list[Record], kernel: list[Record] | None, other: list[Record], explained: Set[str] = EXPLAINED
) -> None:
    """Check that we show each record as the kernel does, and as trace-cmd does where that is right."""
    if kernel is not None:
        assert len(mine) == len(kernel)
        wrong = ((a, b) for a, b in zip(mine, kernel, strict=True) if not same_as_kernel(a, b))
        assert list(islice(wrong, 3)) == []
    assert len(mine) == len(other)
    unlike = [(a, b) for a, b in zip(mine, other, strict=True) if not alike(a, b)]
    assert [(a, b) for a, b in unlike if not explains(explained, a)][:3] == []
    print(f"{len(mine)} records of {len(counted(mine))} events; trace-cmd shows {len(unlike)} otherwise")


def test_all_events(ktrace: Callable, probes: list[str], tmp_path: Path) -> None:
    with Session(buffer_kb=BUFFER_KB) as session:
        buffer = Path(session.files.root)
        write(buffer, "events/enable", "1")
        write(buffer, "events/sched/sched_process_exec/trigger", "stacktrace")
        write(buffer, "events/sched/sched_waking/trigger", _WAKING)
        write(buffer, "events/sched/sched_switch/trigger", _SWITCH)
        record(session, buffer)
        text, recorded = saved(buffer, tmp_path, session.name)
        write(buffer, "events/sched/sched_switch/trigger", f"!{_SWITCH}")
        write(buffer, "events/sched/sched_waking/trigger", f"!{_WAKING}")
    mine = records(ktrace("report", "-q", str(recorded)).out.split("\n")[:-1], LIMIT)
    check(mine, kernels(text, LIMIT), trace_cmds(recorded, LIMIT))
    happened = set(counted(mine))
    assert len(happened) > 60
    if not WHOLE:
        return
    made = {name.partition("/")[2] for name in probes} - {""}
    assert happened >= EXPECTED | made - {"p_none", "f_entry", "f_return"}
    # The other outputs have every record.
    lines = ktrace("report", "-q", "--json", str(recorded)).out
    assert sum(lines.count(f'"type":"{kind}"') for kind in ("event", "stack")) == len(mine)
    assert '"unparsed"' not in lines
    stacks = lines.count('"type":"stack"')
    assert ktrace("report", "-q", "--csv", str(recorded)).out.count("\n") == 1 + len(mine) - stacks


@pytest.mark.parametrize("option", ["func_stack_trace", "func-args"])
def test_tracers(ktrace: Callable, tmp_path: Path, option: str) -> None:
    """The function tracer with stacks, and with arguments: with both options a kernel does one of them."""
    with Session(buffer_kb=BUFFER_KB) as session:
        buffer = Path(session.files.root)
        for functions in FUNCTIONS:
            write(buffer, "set_ftrace_filter", functions)
        write(buffer, "current_tracer", "function")
        if not (buffer / "options" / option).exists():
            write(buffer, "current_tracer", "nop")
            pytest.skip(f"this kernel's function tracer has no option {option}")
        write(buffer, f"options/{option}", "1")
        record(session, buffer)
        text, recorded = saved(buffer, tmp_path, session.name)
        write(buffer, f"options/{option}", "0")
        write(buffer, "current_tracer", "nop")
    mine = records(ktrace("report", "-q", str(recorded)).out.split("\n")[:-1])
    check(mine, kernels(text), trace_cmds(recorded))
    assert len(mine) > 100
    assert any(record.body.startswith("<stack trace>") for record in mine) is (option == "func_stack_trace")


def test_function_graph(ktrace: Callable, tracing: Path, tmp_path: Path) -> None:
    """Calls: the names and durations that the kernel's own graph shows, in the same order on each CPU."""
    with Session() as session:
        write(Path(session.files.root), "tracing_on", "1")  # for the marker of the activity
        write(tracing, "tracing_on", "0")
        for functions in FUNCTIONS:
            write(tracing, "set_ftrace_filter", functions)
        write(tracing, "current_tracer", "function_graph")
        try:
            record(session, tracing)
            text, recorded = saved(tracing, tmp_path)
        finally:
            write(tracing, "current_tracer", "nop")
            (tracing / "set_ftrace_filter").open("w").close()
            (tracing / "trace").open("w").close()
            write(tracing, "tracing_on", "1")
    mine = records(ktrace("report", "-q", str(recorded)).out.split("\n")[:-1])
    other = trace_cmds(recorded)
    assert [r.head[:3] + r.head[4:] for r in mine] == [r.head[:3] + r.head[4:] for r in other]
    lines = text.read_text(errors="surrogateescape").splitlines()
    for cpu in sorted({record.cpu for record in mine}):
        ours = [r for r in mine if r.cpu == cpu and r.event.startswith("funcgraph_")]
        theirs = [line for line in lines if line.startswith(f" {cpu}) ")]
        entries = _each(r"\|  +(\S+)\(\) \{", (r.body for r in ours))
        assert entries == _each(r"\|  +([^ (/]+)\(.*\)(?:;| \{)", theirs)
        exits = _each(r"(.* us) +\|", (r.body for r in ours))
        assert exits == _each(r" \d+\) (.* us) +\|", theirs)
        assert exits
    assert len(mine) > 100


def _each(pattern: str, lines: Iterable[str]) -> list[str]:
    """Return the first group of each line's match."""
    return [match[1].strip() for match in map(re.compile(pattern).search, lines) if match]


def test_a_record_of_every_format(ktrace: Callable, tracing: Path, tmp_path: Path) -> None:
    """Values at random in records of all formats of this kernel; no judge, but the list of differences."""
    formats = {
        event: (tracing / f"events/{event}/format").read_text()
        for i, event in enumerate(all_events(find_tracing(LocalHost())))
        if event.partition("/")[2] not in CRASHING and (WHOLE or i % 5 == 0 or event.startswith("ftrace/"))
    }
    recorded = tmp_path / "formats.dat"
    events = recording(recorded, formats, tracing)
    mine = records(ktrace("report", "-q", str(recorded)).out.split("\n")[:-1])
    assert len(mine) == len(events) > 500
    check(mine, None, trace_cmds(recorded), BUILT)


def test_recorded_by_both(ktrace: Callable, probes: list[str], tmp_path: Path) -> None:
    """Live recordings of each program."""
    path = tmp_path / "ktrace.dat"
    systems = ("sched", "irq", "timer", "signal", "task", "raw_syscalls", "oracle")
    command = ("sh", "-c", ": < /etc/passwd; kill -URG $$; sleep 0.01")
    ktrace("record", "-q", "-o", str(path), *(f"{name}:*" for name in systems), "-c", shlex.join(command))
    check(records(ktrace("report", "-q", str(path)).out.split("\n")[:-1]), None, trace_cmds(path))
    if WHOLE:
        words = [word for name in systems for word in ("-e", name)]
        done = subprocess.run(
            ["trace-cmd", "record", "-q", "-o", path, *words, *command], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        check(records(ktrace("report", "-q", str(path)).out.split("\n")[:-1]), None, trace_cmds(path))
