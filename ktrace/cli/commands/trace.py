"""`ktrace trace`."""

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli import count_options as counting
from ktrace.cli.combining import needs
from ktrace.cli.durations import DURATION
from ktrace.cli.probe_options import (
    EVERY,
    FORCE,
    INLINED,
    KIND,
    MAX_PROBES,
    NTH,
    SNAPSHOT_ON,
    START_ON,
    STOP_ON,
    VMLINUX,
    Kind,
)
from ktrace.cli.traced import traced
from ktrace.model.muted import seeing_status

if TYPE_CHECKING:
    from typing import BinaryIO

    from ktrace.capture.request import TraceRequest
    from ktrace.capture.trace import Result
    from ktrace.session.command import Command
    from ktrace.session.signals import StopSignals
    from ktrace.stream.pipeline import Sink

_BROKEN_PIPE = 128 + signal.SIGPIPE


def trace(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME | PLACE [ARG...]]... [, ...]",
            help="Events that exist, or probes to make for this run: as in `ktrace add`.",
        ),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option("-c", "--command", metavar="CMD", help="Trace CMD and its children; end with it."),
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
    count: Annotated[int | None, typer.Option("-n", "--count", min=1, help="End after N events.")] = None,
    returns: Annotated[bool, typer.Option("-r", "--return", help="Probe the return of PLACE.")] = False,
    maxactive: Annotated[int, typer.Option(help="Of return probes: calls inside at a time.")] = 0,
    regs: Annotated[bool, typer.Option("--regs", help="Read the registers at PLACE.")] = False,
    kind: Annotated[Kind, KIND] = Kind.KPROBE,
    every: Annotated[bool, EVERY] = False,
    nth: Annotated[int | None, NTH] = None,
    max_probes: Annotated[int, MAX_PROBES] = 500,
    force: Annotated[bool, FORCE] = False,
    inlined: Annotated[bool, INLINED] = False,
    vmlinux: Annotated[Path | None, VMLINUX] = None,
    stack: Annotated[bool, typer.Option("--stack", help="Record the kernel stack at each hit.")] = False,
    start_on: Annotated[str | None, START_ON] = None,
    stop_on: Annotated[str | None, STOP_ON] = None,
    snapshot_on: Annotated[str | None, SNAPSHOT_ON] = None,
    clock: Annotated[str | None, typer.Option(help="Trace clock; mono where there is one.")] = None,
    buffer_kb: Annotated[
        int | None, typer.Option("--buffer-size", min=4, metavar="KB", help="KiB of buffer for each CPU.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines: see docs/json.md.")] = False,
    text: Annotated[
        bool, typer.Option("--text", help="Read the kernel's own text instead of its pages: slower.")
    ] = False,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Write events to FILE.")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No summary at the end.")] = False,
) -> int:
    """Stream events as they happen, until Ctrl-C, --duration, --count or the end of CMD.

    The run has a buffer of its own: other tracers are not disturbed, and ktrace's own calls are never
    recorded. Probes made for the run are removed after it. What the kernel had to drop is shown where
    it is missing, and counted at the end.

    Events go to standard output alone: what CMD prints there goes to standard error, unless the events
    go to a FILE.

    \b
    Examples:
      ktrace trace do_fork
      ktrace trace do_fork --count 1 --json
      ktrace trace vfs_read file:path count -c 'ls -l'
      ktrace trace openat filename:ustring -c 'ls -l'
      ktrace trace 'tcp_*' -d 1
      ktrace trace do_sys_openat2 'path=+u0(%si):ustring' -c 'ls -l'
      ktrace trace -r vfs_read 'ret=$retval:s64' --filter 'ret < 0'
      ktrace trace vfs_read n=%dx:u64 , vfs_write n=%dx:u64 -p 1234 --children
      ktrace trace sched:sched_switch --cpu 0 --duration 2
      ktrace trace vfs_read count --snapshot-on 'count > 1000000'
      ktrace trace --json do_fork | jq -r .comm | sort | uniq -c
    """
    from contextlib import ExitStack

    from ktrace.cli.report import report
    from ktrace.errors import UsageError
    from ktrace.kernel.kernel import Kernel
    from ktrace.resolve.refusals import Refusals
    from ktrace.resolve.spec import ProbeOptions
    from ktrace.resolve.targets import find_targets
    from ktrace.session.command import Command
    from ktrace.session.patient_output import patient_streams
    from ktrace.session.signals import StopSignals
    from ktrace.session.tasks import parse_cpus
    from ktrace.storage.destination import open_output
    from ktrace.tracefs.instances import Owner
    from ktrace.tracefs.mount import find_debug, find_tracing

    if not words:
        raise UsageError("what to trace?", hint="ktrace trace do_fork; `ktrace list` shows events that exist")
    if command and pids:
        raise UsageError("-c and -p together: which process?")
    needs("--children", children, "-p PID", pids)
    tracing = find_tracing(traced())
    group = Owner.of_this_process(traced()).name
    machine = traced().uname().machine
    which = (every, nth, max_probes, force, inlined)
    defaults = ProbeOptions(group, None, returns, maxactive, regs, machine, kind.value, *which)
    kernel = Kernel(tracing, find_debug(traced()), vmlinux=vmlinux, force=force)
    refusals = Refusals(report)
    targets = find_targets(tracing, words, defaults, kernel, refusals)
    with ExitStack() as stack_:
        # Opened before signals are only noted: a pipe may have no reader yet, and keep it waiting.
        out = sys.stdout.buffer
        if output is not None:
            read = [str(vmlinux)] if vmlinux else []
            out = stack_.enter_context(open_output(output, inputs=read, growing=True))
        to_stderr = out is sys.stdout.buffer  # asked before `patient_streams` puts another in its place
        stop = stack_.enter_context(StopSignals())
        stack_.enter_context(patient_streams(stop))
        # Forked before NumPy is loaded: its threads would not be there in the child.
        child = (
            stack_.enter_context(Command(command, to_stderr=to_stderr, host=traced())) if command else None
        )

        from ktrace.capture.request import TraceRequest
        from ktrace.probes.trigger_conditions import Conditions

        cpus = parse_cpus(cpu) if cpu else ()
        when = Conditions(start_on, stop_on, snapshot_on)
        request = TraceRequest(targets, stack, filter_, pids or (), children, cpus, duration, count, when)
        result = _run(request, child, stop, out, as_json, text, clock, buffer_kb)
        if not quiet:
            print(f"ktrace: {_summary(result)}", file=sys.stderr)
        if result.unread or result.given_up:
            counting.note_unread(result.unread, given_up=result.given_up)
        if result.output_closed:
            return _BROKEN_PIPE
        if result.given_up:
            return 128 + stop.received if stop.received else 1
        if stop.received is not None and stop.received != signal.SIGINT:
            return 128 + stop.received
        return refusals.status(seeing_status(child.finish() if child else 0, result.muted))


def _run(
    request: "TraceRequest",
    child: "Command | None",
    stop: "StopSignals",
    out: "BinaryIO",
    as_json: bool,
    text: bool,
    clock: str | None,
    buffer_kb: int | None,
) -> "Result":
    from typing import BinaryIO, cast

    from ktrace.capture.trace import trace as run
    from ktrace.session.patient_output import PatientOutput
    from ktrace.session.session import Session
    from ktrace.session.waiting import watchable_output

    patient = cast(BinaryIO, PatientOutput(out, stop))

    def make_sink(groups: dict[str, str]) -> "Sink":
        if as_json:
            from ktrace.output.formats.jsonl import JsonLines

            return JsonLines(patient, groups, request.targets.names)
        from ktrace.output.formats.text import Text

        return Text(patient, request.targets.names)

    with Session(clock=clock, buffer_kb=buffer_kb) as session:
        return run(
            session,
            request,
            make_sink,
            stop,
            command=child,
            output_fd=watchable_output(out.fileno()),
            text=text,
            note=counting.note,
        )


def _summary(result: "Result") -> str:
    rate = result.events / result.seconds if result.seconds else 0.0
    parts = [f"{result.events} events in {result.seconds:.2f} s ({rate:.0f}/s)"]
    parts.append(f"{result.lost} lost" if result.lost else "none lost")
    if result.unread:
        parts.append(f"{result.unread} left unread")
    if result.missed:
        parts.append(f"{result.missed} hits missed")
    if result.unparsed:
        parts.append(f"{result.unparsed} lines not understood")
    parts += [f"{one.names} could not be hit" for one in result.muted]
    return ", ".join(parts)
