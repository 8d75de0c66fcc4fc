"""`ktrace trace`."""

import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli.probe_options import (
    EVERY,
    FORCE,
    INLINED,
    KIND,
    MAX_PROBES,
    MAXACTIVE,
    NTH,
    REGS,
    RETURN,
    SNAPSHOT_ON,
    STACK,
    START_ON,
    STOP_ON,
    VMLINUX,
    Kind,
)
from ktrace.cli.quantities import TimeForm
from ktrace.cli.run_options import (
    BUFFER_KB,
    CHILDREN,
    CLOCK,
    COMMAND,
    COUNT,
    CPU,
    DURATION,
    EVERYBODY,
    FILTER,
    JSON,
    PIDS,
    QUIET,
    TIME,
    RunOptions,
)
from ktrace.cli.running import exit_status, patient, running
from ktrace.cli.traced import traced
from ktrace.diagnostic import note

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from ktrace.resolve.spec import Names
    from ktrace.stream.pipeline import Sink
    from ktrace.tracefs.files import Files


def trace(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME | PLACE [ARG...]]... [, ...]",
            help="Existing events, or probes to make for this run, as in `ktrace add`.",
        ),
    ] = None,
    command: Annotated[str | None, COMMAND] = None,
    everybody: Annotated[bool, EVERYBODY] = False,
    pids: Annotated[list[int] | None, PIDS] = None,
    children: Annotated[bool, CHILDREN] = False,
    cpu: Annotated[str | None, CPU] = None,
    filter_: Annotated[str | None, FILTER] = None,
    duration: Annotated[float | None, DURATION] = None,
    count: Annotated[int | None, COUNT] = None,
    returns: Annotated[bool, RETURN] = False,
    maxactive: Annotated[int, MAXACTIVE] = 0,
    regs: Annotated[bool, REGS] = False,
    kind: Annotated[Kind, KIND] = Kind.KPROBE,
    every: Annotated[bool, EVERY] = False,
    nth: Annotated[int | None, NTH] = None,
    max_probes: Annotated[int, MAX_PROBES] = 500,
    force: Annotated[bool, FORCE] = False,
    inlined: Annotated[bool, INLINED] = False,
    vmlinux: Annotated[Path | None, VMLINUX] = None,
    stack: Annotated[bool, STACK] = False,
    start_on: Annotated[str | None, START_ON] = None,
    stop_on: Annotated[str | None, STOP_ON] = None,
    snapshot_on: Annotated[str | None, SNAPSHOT_ON] = None,
    clock: Annotated[str | None, CLOCK] = None,
    time_form: Annotated[TimeForm | None, TIME] = None,
    buffer_kb: Annotated[int | None, BUFFER_KB] = None,
    as_json: Annotated[bool, JSON] = False,
    text: Annotated[
        bool, typer.Option("--text", help="Read the kernel's own text instead of its pages: slower.")
    ] = False,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Write events to FILE.")
    ] = None,
    quiet: Annotated[bool, QUIET] = False,
) -> int:
    """Stream events as they happen, until Ctrl-C, --duration, --count or the end of CMD.

    The run has its own buffer: other tracers are not disturbed, and ktrace's own calls are never
    recorded. Probes made for the run are removed at its end. Events that the kernel had to drop are
    shown where they are missing, and counted at the end.

    Only events go to standard output: the output of CMD goes to standard error, unless the events
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
    from ktrace.session.tasks import parse_cpus
    from ktrace.storage.destination import open_output
    from ktrace.tracefs.instances import Owner
    from ktrace.tracefs.mount import find_debug, find_tracing

    if not words:
        raise UsageError("what to trace?", hint="ktrace trace do_fork; `ktrace list` shows events that exist")
    options = RunOptions(command, pids, children, duration, clock, buffer_kb, everybody=everybody)
    cpus = parse_cpus(cpu) if cpu else ()
    tracing = find_tracing(traced())
    group = Owner.of_this_process(traced()).name
    machine = traced().uname().machine
    made = ProbeOptions(group, None, returns, maxactive, regs, machine, kind.value, every, nth, max_probes)
    how = replace(made, force=force, inlined=inlined, whole=True)
    kernel = Kernel(tracing, find_debug(traced()), vmlinux=vmlinux, force=force)
    refusals = Refusals(report)
    targets = find_targets(tracing, words, how, kernel, refusals)
    with ExitStack() as stack_:
        out = sys.stdout.buffer
        if output is not None:
            read = [str(vmlinux)] if vmlinux else []
            out = stack_.enter_context(open_output(output, inputs=read, growing=True))
        context = stack_.enter_context(running(options, out))

        from ktrace.capture.request import TraceRequest
        from ktrace.capture.trace import trace as run
        from ktrace.output.views.summary import summary_text
        from ktrace.probes.trigger_conditions import Conditions

        when = Conditions(start_on, stop_on, snapshot_on)
        request = TraceRequest(targets, stack, filter_, cpus, count, when)
        form = _Form(as_json, targets.names, time_form, context.session.files)
        sink = partial(_sink, patient(out, context.stop), form)
        result = run(context, request, sink, text=text)
        if not quiet:
            unparsed = [f"{result.unparsed} lines not understood"] if result.unparsed else []
            note(summary_text(result.events, result.outcome, unparsed))
        return refusals.status(exit_status(context, result.outcome))


@dataclass(frozen=True, slots=True)
class _Form:
    """The form in which events are written.

    Attributes:
        names: by event and argument, how values read.
        time: the value of `--time`.
        files: those of the session's instance, for its clock.
    """

    as_json: bool
    names: "Mapping[str, Names]"
    time: "TimeForm | None"
    files: "Files"


def _sink(out: "BinaryIO", form: _Form, groups: dict[str, str]) -> "Sink":
    """Return the sink that writes events to `out`."""
    from ktrace.session.clock_offsets import clock_offsets
    from ktrace.tracedat.options import selected_clock

    offsets = clock_offsets(form.files)
    if form.as_json:
        from ktrace.output.formats.jsonl import JsonLines

        return JsonLines(out, groups, form.names, wall=offsets.get("wall"))
    from ktrace.output.formats.text import Text
    from ktrace.output.rendering.times import Retimed, style_of

    if form.time is None:
        return Text(out, form.names)
    text = Text(out, form.names, style=style_of(form.time.value))
    return Retimed(text, form.time.value, offsets, selected_clock(form.files.read("trace_clock")))
