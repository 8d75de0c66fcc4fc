"""`ktrace count`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli import count_options as counting
from ktrace.cli.probe_options import EVERY, KIND, MAX_PROBES, NTH, RETURN, Kind
from ktrace.cli.run_options import (
    CHILDREN,
    COMMAND,
    CPU,
    DURATION,
    EVERYBODY,
    FILTER,
    JSON,
    PIDS,
    QUIET,
    RunOptions,
)
from ktrace.cli.running import exit_status, running

if TYPE_CHECKING:
    from ktrace.model.tally import Tally


def count(
    places: Annotated[
        list[str] | None, typer.Argument(metavar="PLACE...", help="Functions, wildcards, events.")
    ] = None,
    by: Annotated[list[str] | None, counting.BY] = None,
    command: Annotated[str | None, COMMAND] = None,
    everybody: Annotated[bool, EVERYBODY] = False,
    pids: Annotated[list[int] | None, PIDS] = None,
    children: Annotated[bool, CHILDREN] = False,
    cpu: Annotated[str | None, CPU] = None,
    filter_: Annotated[str | None, FILTER] = None,
    duration: Annotated[float | None, DURATION] = None,
    returns: Annotated[bool, RETURN] = False,
    kind: Annotated[Kind, KIND] = Kind.KPROBE,
    every: Annotated[bool, EVERY] = False,
    nth: Annotated[int | None, NTH] = None,
    max_probes: Annotated[int, MAX_PROBES] = 500,
    size: Annotated[int, counting.SIZE] = 8192,
    in_kernel: Annotated[bool, counting.IN_KERNEL] = False,
    as_json: Annotated[bool, JSON] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> int:
    """Count hits of functions, of all functions that match a wildcard, or of events, in the kernel.

    On a terminal, the table is updated while it counts. It ends with Ctrl-C, --duration or CMD, and
    then prints the whole table and the method of counting.

    \b
    Examples:
      ktrace count vfs_read
      ktrace count vfs_read --by comm -d 5
      ktrace count vfs_read --by count,pid -c 'cat /etc/passwd'
      ktrace count 'tcp_*' -d 10
      ktrace count sched:sched_switch --by next_comm -d 1 --json
      ktrace count vfs_write --by stack -p 1234
    """
    from ktrace.cli.report import report
    from ktrace.counting.count import CountRequest
    from ktrace.counting.count import count as run_count
    from ktrace.errors import UsageError
    from ktrace.resolve.refusals import Refusals

    if not places:
        raise UsageError("what to count?", hint="ktrace count vfs_read; ktrace count 'tcp_*'")
    show = counting.looker(_table, as_json=as_json, command=command)
    filter_ = counting.on_cpus(cpu, filter_)
    options = RunOptions(command, pids, children, duration, everybody=everybody)
    with running(options, sys.stdout.buffer) as context:
        how = counting.count_options(
            context, kind, returns=returns, every=every, nth=nth, max_probes=max_probes
        )
        refusals = Refusals(report)
        request = CountRequest(places, how, counting.words_of(by), filter_, size, in_kernel, refusals)
        answer = run_count(context, request, show)
        from ktrace.output.terminal.table import terminal_width
        from ktrace.output.views.count import tally_records, tally_text

        counting.print_answer(
            answer,
            lambda: tally_text(answer.tally, width=terminal_width()),
            lambda: tally_records(answer.tally),
            as_json=as_json,
            quiet=quiet,
            show=show,
        )
        return refusals.status(exit_status(context, answer.outcome))


def _table(tally: "Tally", columns: int, lines: int) -> str:
    from ktrace.output.views.count import tally_text

    return tally_text(tally, width=columns, height=lines)
