"""`ktrace graph`."""

import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli import count_options as counting
from ktrace.cli.combining import needs
from ktrace.cli.durations import DURATION
from ktrace.cli.traced import traced
from ktrace.model.muted import seeing_status

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from ktrace.capture.graph import Result, Writer
    from ktrace.session.signals import StopSignals

_BROKEN_PIPE = 128 + signal.SIGPIPE


def graph(
    functions: Annotated[
        list[str] | None, typer.Argument(metavar="FUNC...", help="Functions, wildcards.")
    ] = None,
    depth: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Levels of calls; 1 is FUNC alone.")
    ] = None,
    above: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only where FUNC took longer, such as 10ms, 50us.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Leave these functions out; repeatable.")
    ] = None,
    command: Annotated[str | None, counting.COMMAND] = None,
    pids: Annotated[list[int] | None, counting.PIDS] = None,
    children: Annotated[bool, counting.CHILDREN] = False,
    cpu: Annotated[str | None, typer.Option(help="Only these CPUs, such as 0,2-3.")] = None,
    duration: Annotated[float | None, DURATION] = None,
    count: Annotated[
        int | None, typer.Option("-n", "--count", min=1, help="End after N calls of FUNC.")
    ] = None,
    buffer_kb: Annotated[
        int | None, typer.Option("--buffer-size", min=4, metavar="KB", help="KiB of buffer for each CPU.")
    ] = None,
    top_buffer: Annotated[
        bool, typer.Option("--top-buffer", help="Take the buffer that all share, where only that can.")
    ] = False,
    as_json: Annotated[bool, counting.JSON] = False,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Write the trees to FILE.")
    ] = None,
    quiet: Annotated[bool, counting.QUIET] = False,
) -> int:
    """Show what a function calls, and how long each call takes.

    A tree is shown when FUNC returns, a line for each call: those of different tasks are not mixed. The
    run has a buffer of its own. What the kernel had to drop is shown where it is missing.

    \b
    Examples:
      ktrace graph vfs_read -n 3
      ktrace graph do_sys_openat2 --depth 3 -c 'cat /etc/passwd'
      ktrace graph vfs_write --above 1ms -d 10
      ktrace graph vfs_read --exclude '*lock*' --exclude 'rcu_*' -p 1234
      ktrace graph openat -c ls --json | jq 'select(.depth == 1)'
    """
    from contextlib import ExitStack

    from ktrace.cli.report import report
    from ktrace.errors import UsageError
    from ktrace.model.duration import parse_duration
    from ktrace.session.command import Command
    from ktrace.session.patient_output import patient_streams
    from ktrace.session.signals import StopSignals
    from ktrace.session.tasks import parse_cpus
    from ktrace.storage.destination import open_output

    if not functions:
        raise UsageError("the calls of what function?", hint="ktrace graph vfs_read --depth 3")
    if command and pids:
        raise UsageError("-c and -p together: which process?")
    needs("--children", children, "-p PID", pids)
    slow = parse_duration(above) if above else 0
    cpus = parse_cpus(cpu) if cpu else ()
    with ExitStack() as stack:
        # Opened before signals are only noted: a pipe may have no reader yet, and keep it waiting.
        out = sys.stdout.buffer
        if output is not None:
            out = stack.enter_context(open_output(output, growing=True))
        to_stderr = out is sys.stdout.buffer  # asked before `patient_streams` puts another in its place
        stop = stack.enter_context(StopSignals())
        stack.enter_context(patient_streams(stop))
        # Forked before NumPy is loaded: its threads would not be there in the child.
        child = stack.enter_context(Command(command, to_stderr=to_stderr, host=traced())) if command else None

        from ktrace.capture.graph import GraphRequest
        from ktrace.capture.graph import graph as run
        from ktrace.kernel.kernel import Kernel
        from ktrace.resolve.refusals import Refusals
        from ktrace.session.session import Session
        from ktrace.session.waiting import watchable_output

        refusals = Refusals(report)
        request = GraphRequest(
            functions,
            depth,
            slow,
            exclude or (),
            pids or (),
            children,
            cpus,
            duration,
            count,
            top_buffer,
            refusals,
        )
        with Session(buffer_kb=buffer_kb) as session:
            result = run(
                session,
                Kernel(session.tracing, session.debug),
                request,
                lambda symbol: _writer(out, symbol, as_json, stop),
                stop,
                command=child,
                output_fd=watchable_output(out.fileno()),
                note=counting.note,
            )
        if not quiet:
            counting.note(_summary(result))
        if result.unread or result.given_up:
            counting.note_unread(result.unread, given_up=result.given_up)
        if result.output_closed:
            return _BROKEN_PIPE
        if result.given_up:
            return 128 + stop.received if stop.received else 1
        if stop.received is not None and stop.received != signal.SIGINT:
            return 128 + stop.received
        return refusals.status(seeing_status(child.finish() if child else 0, result.muted))


def _writer(out: "BinaryIO", symbol: "Callable[[int], str]", as_json: bool, stop: "StopSignals") -> "Writer":
    import os
    from typing import BinaryIO, cast

    from ktrace.output.views.graph import CallJson, CallText
    from ktrace.session.patient_output import PatientOutput

    patient = cast(BinaryIO, PatientOutput(out, stop))
    if as_json:
        return CallJson(patient, symbol)
    colour = out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return CallText(patient, symbol, colour=colour)


def _summary(result: "Result") -> str:
    parts = [f"{result.trees} trees of {result.calls} calls in {result.seconds:.2f} s"]
    if result.faster:
        parts.append(f"{result.faster} were faster")
    parts.append(f"{result.records} records, " + (f"{result.lost} lost" if result.lost else "none lost"))
    parts += [f"calls of {one.names} could not be followed" for one in result.muted]
    return ", ".join(parts)
