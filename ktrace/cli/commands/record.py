"""`ktrace record`."""

import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli import count_options as counting
from ktrace.cli.combining import needs
from ktrace.cli.durations import DURATION
from ktrace.cli.probe_options import EVERY, FORCE, KIND, MAX_PROBES, NTH, Kind
from ktrace.cli.traced import traced
from ktrace.model.muted import seeing_status

if TYPE_CHECKING:
    from ktrace.capture.record import Progress, Recorded


def record(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME | PLACE [ARG...]]... [, ...]",
            help="Events that exist, or probes to make for this run: as in `ktrace add`.",
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The file; one that is there is replaced at the end."
        ),
    ] = "trace.dat",
    command: Annotated[
        str | None,
        typer.Option("-c", "--command", metavar="CMD", help="Record CMD and its children; end with it."),
    ] = None,
    pids: Annotated[
        list[int] | None, typer.Option("-p", "--pid", help="Only this process; repeatable.")
    ] = None,
    children: Annotated[bool, typer.Option(help="With -p: also its children, now and later.")] = False,
    cpu: Annotated[str | None, typer.Option(help="Only these CPUs, such as 0,2-3.")] = None,
    filter_: Annotated[
        str | None, typer.Option("--filter", help="Only hits for which this holds, such as 'count > 4096'.")
    ] = None,
    duration: Annotated[float | None, DURATION] = None,
    max_size: Annotated[
        str | None, typer.Option("--max-size", metavar="SIZE", help="End when so much has come, such as 2G.")
    ] = None,
    returns: Annotated[bool, typer.Option("-r", "--return", help="Probe the return of PLACE.")] = False,
    maxactive: Annotated[int, typer.Option(help="Of return probes: calls inside at a time.")] = 0,
    regs: Annotated[bool, typer.Option("--regs", help="Read the registers at PLACE.")] = False,
    kind: Annotated[Kind, KIND] = Kind.KPROBE,
    every: Annotated[bool, EVERY] = False,
    nth: Annotated[int | None, NTH] = None,
    max_probes: Annotated[int, MAX_PROBES] = 500,
    force: Annotated[bool, FORCE] = False,
    stack: Annotated[bool, typer.Option("--stack", help="Record the kernel stack at each hit.")] = False,
    clock: Annotated[str | None, typer.Option(help="Trace clock; mono where there is one.")] = None,
    buffer_kb: Annotated[
        int | None,
        typer.Option("--buffer-size", min=4, metavar="KB", help="KiB of buffer for each CPU; 4096."),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no summary.")] = False,
) -> int:
    """Record events to a file, without decoding them: as fast as the kernel makes them.

    Until Ctrl-C, --duration, --max-size or the end of CMD. The file is a trace.dat: `ktrace report`
    reads it, here or on another machine, and so do `trace-cmd report` and KernelShark. Of a recording
    that was killed, `ktrace report --recover FILE` shows all pages that were whole.

    \b
    Examples:
      ktrace record do_fork -c 'make -j4'
      ktrace record -o io.dat vfs_read file:path count , vfs_write count -d 10
      ktrace record -o sched.dat 'sched:*' 'irq:*' --max-size 1G
      ktrace report io.dat --json | jq .args.count
    """
    from contextlib import ExitStack

    from ktrace.capture.record import default_buffer_kb, parse_size
    from ktrace.capture.record import record as run
    from ktrace.capture.request import TraceRequest
    from ktrace.cli.report import report
    from ktrace.errors import UsageError
    from ktrace.kernel.kernel import Kernel
    from ktrace.resolve.refusals import Refusals
    from ktrace.resolve.spec import ProbeOptions
    from ktrace.resolve.targets import find_targets
    from ktrace.session.command import Command
    from ktrace.session.patient_output import patient_streams
    from ktrace.session.session import Session
    from ktrace.session.signals import StopSignals
    from ktrace.session.tasks import parse_cpus
    from ktrace.tracefs.instances import Owner
    from ktrace.tracefs.mount import find_debug, find_tracing

    if not words:
        raise UsageError(
            "what to record?", hint="ktrace record do_fork; `ktrace list` shows events that exist"
        )
    if command and pids:
        raise UsageError("-c and -p together: which process?")
    needs("--children", children, "-p PID", pids)
    limit = parse_size(max_size) if max_size else None
    tracing = find_tracing(traced())
    group = Owner.of_this_process(traced()).name
    defaults = ProbeOptions(
        group,
        None,
        returns,
        maxactive,
        regs,
        traced().uname().machine,
        kind.value,
        every,
        nth,
        max_probes,
        force,
    )
    refusals = Refusals(report)
    targets = find_targets(tracing, words, defaults, Kernel(tracing, find_debug(traced())), refusals)
    cpus = parse_cpus(cpu) if cpu else ()
    request = TraceRequest(targets, stack, filter_, pids or (), children, cpus, duration)
    sysconf = traced().sysconf
    memory_kb = sysconf("SC_PHYS_PAGES") * (sysconf("SC_PAGE_SIZE") // 1024)
    size_kb = buffer_kb or default_buffer_kb(sysconf("SC_NPROCESSORS_ONLN"), memory_kb)
    with ExitStack() as stack_:
        stop = stack_.enter_context(StopSignals())
        stack_.enter_context(patient_streams(stop))
        child = stack_.enter_context(Command(command, host=traced())) if command else None
        session = stack_.enter_context(Session(host=traced(), clock=clock, buffer_kb=size_kb))
        show = _show if sys.stderr.isatty() and not quiet else None
        done = run(
            session, request, output, stop, command=child, max_size=limit, note=counting.note, progress=show
        )
        if show:
            print("\r\x1b[K", end="", file=sys.stderr)
        if not quiet:
            counting.note(f"{output}: {_summary(done)}")
        if done.disk_full:
            counting.note(_disk_full(done))
            return 1
        if done.unsaved:
            counting.note_unread(done.unsaved)
        if stop.received is not None and stop.received != signal.SIGINT:
            return 128 + stop.received
        return refusals.status(seeing_status(child.finish() if child else 0, done.muted))


def _show(progress: "Progress") -> None:
    """Show the progress in one line that is overwritten each time."""
    text = f"{progress.seconds:.1f} s, {_size(progress.size)}, {progress.events} events, {progress.lost} lost"
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _summary(done: "Recorded") -> str:
    rate = done.events / done.seconds if done.seconds else 0.0
    parts = [f"{done.events} events in {done.seconds:.2f} s ({rate:.0f}/s)", _size(done.size)]
    parts.append(f"{done.lost} lost" if done.lost else "none lost")
    if done.unsaved:
        parts.append(f"{done.unsaved} left unread")
    if done.missed:
        parts.append(f"{done.missed} hits missed")
    parts += [f"{one.names} could not be hit" for one in done.muted]
    return ", ".join(parts)


def _disk_full(done: "Recorded") -> str:
    return f"no space left: it ended there; {done.unsaved} events in the kernel's buffer are not in it"


def _size(size: int) -> str:
    units = ("bytes", "KiB", "MiB", "GiB", "TiB")
    power = min(max(size.bit_length() - 1, 0) // 10, len(units) - 1)
    return f"{size / 1024**power:.{1 if power else 0}f} {units[power]}"
