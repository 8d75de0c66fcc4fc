"""`ktrace graph`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli.quantities import count as count_of
from ktrace.cli.run_options import (
    BUFFER_KB,
    CHILDREN,
    COMMAND,
    CPU,
    DURATION,
    EVERYBODY,
    JSON,
    PIDS,
    QUIET,
    RunOptions,
)
from ktrace.cli.running import exit_status, patient, running
from ktrace.diagnostic import note

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from ktrace.capture.graph import Result, Writer
    from ktrace.session.signals import StopSignals


def graph(
    functions: Annotated[
        list[str] | None, typer.Argument(metavar="FUNC...", help="Functions, wildcards.")
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option("--depth", parser=count_of(), metavar="N", help="Levels of calls; 1 is FUNC alone."),
    ] = None,
    above: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only trees in which FUNC took longer, such as 10ms, 50us."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Leave these functions out; repeatable.")
    ] = None,
    hide: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Leave these functions out, and all that they call; repeatable."),
    ] = None,
    least: Annotated[
        str | None,
        typer.Option("--min", metavar="TIME", help="Leave out calls that took less, such as 10us."),
    ] = None,
    irqs: Annotated[bool, typer.Option("--irqs", help="Show interrupts that came in between.")] = False,
    command: Annotated[str | None, COMMAND] = None,
    everybody: Annotated[bool, EVERYBODY] = False,
    pids: Annotated[list[int] | None, PIDS] = None,
    children: Annotated[bool, CHILDREN] = False,
    cpu: Annotated[str | None, CPU] = None,
    duration: Annotated[float | None, DURATION] = None,
    count: Annotated[
        int | None,
        typer.Option("-n", "--count", parser=count_of(), metavar="N", help="End after N calls of FUNC."),
    ] = None,
    buffer_kb: Annotated[int | None, BUFFER_KB] = None,
    top_buffer: Annotated[
        bool, typer.Option("--top-buffer", help="Use the shared buffer if only that one has the tracer.")
    ] = False,
    as_json: Annotated[bool, JSON] = False,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Write the trees to FILE.")
    ] = None,
    quiet: Annotated[bool, QUIET] = False,
) -> int:
    """Show what a function calls, and how long each call takes.

    When FUNC returns, its tree is shown, with a line for each call; calls of different tasks are not
    mixed. The run has its own buffer. Records that the kernel had to drop are shown where they are missing.
    Interrupts that came in between are left out.

    \b
    Examples:
      ktrace graph vfs_read -n 3
      ktrace graph do_sys_openat2 --depth 3 -c 'cat /etc/passwd'
      ktrace graph vfs_write --above 1ms -d 10
      ktrace graph vfs_read --min 10us --hide 'security_*'
      ktrace graph vfs_read --exclude '*lock*' --exclude 'rcu_*' -p 1234
      ktrace graph openat -c ls --json | jq 'select(.depth == 1)'
    """
    from contextlib import ExitStack

    from ktrace.cli.report import report
    from ktrace.errors import UsageError
    from ktrace.model.duration import parse_duration
    from ktrace.session.tasks import parse_cpus
    from ktrace.storage.destination import open_output

    if not functions:
        raise UsageError("no function is given", hint="ktrace graph vfs_read --depth 3")
    options = RunOptions(command, pids, children, duration, buffer_kb=buffer_kb, everybody=everybody)
    slow = parse_duration(above) if above else 0
    cpus = parse_cpus(cpu) if cpu else ()
    with ExitStack() as stack:
        out = sys.stdout.buffer
        if output is not None:
            out = stack.enter_context(open_output(output, growing=True))
        context = stack.enter_context(running(options, out))

        from ktrace.capture.graph import GraphRequest
        from ktrace.capture.graph import graph as run
        from ktrace.resolve.refusals import Refusals

        refusals = Refusals(report)
        request = GraphRequest(
            functions,
            depth,
            slow,
            exclude or (),
            hide or (),
            parse_duration(least) if least else 0,
            irqs,
            cpus,
            count,
            top_buffer,
            refusals,
        )
        result = run(context, request, lambda symbol: _writer(out, symbol, as_json, context.stop))
        if not quiet:
            note(_summary(result))
        return refusals.status(exit_status(context, result.outcome))


def _writer(out: "BinaryIO", symbol: "Callable[[int], str]", as_json: bool, stop: "StopSignals") -> "Writer":
    from ktrace.output.terminal.colour import wants_colour
    from ktrace.output.views.graph import CallJson, CallText

    if as_json:
        return CallJson(patient(out, stop), symbol)
    return CallText(patient(out, stop), symbol, colour=wants_colour(out))


def _summary(result: "Result") -> str:
    from ktrace.output.views.summary import lost_text, shortcomings

    parts = [f"{result.trees} trees of {result.calls} calls in {result.outcome.seconds:.2f} s"]
    if result.faster:
        parts.append(f"{result.faster} were faster")
    if result.interrupts:
        parts.append(f"{result.interrupts} interrupts left out (--irqs)")
    if result.hidden:
        parts.append(f"{result.hidden} calls left out")
    parts.append(f"{result.records} records, {lost_text(result.outcome)}")
    parts += shortcomings(result.outcome, "calls of {} could not be followed")
    return ", ".join(parts)
