"""`ktrace count`."""

from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli import count_options as counting
from ktrace.cli.durations import DURATION
from ktrace.cli.probe_options import EVERY, KIND, MAX_PROBES, NTH, Kind

if TYPE_CHECKING:
    from ktrace.model.tally import Tally


def count(
    places: Annotated[
        list[str] | None, typer.Argument(metavar="PLACE...", help="Functions, wildcards, events.")
    ] = None,
    by: Annotated[list[str] | None, counting.BY] = None,
    command: Annotated[str | None, counting.COMMAND] = None,
    pids: Annotated[list[int] | None, counting.PIDS] = None,
    children: Annotated[bool, counting.CHILDREN] = False,
    filter_: Annotated[str | None, counting.FILTER] = None,
    duration: Annotated[float | None, DURATION] = None,
    returns: Annotated[bool, counting.RETURN] = False,
    kind: Annotated[Kind, KIND] = Kind.KPROBE,
    every: Annotated[bool, EVERY] = False,
    nth: Annotated[int | None, NTH] = None,
    max_probes: Annotated[int, MAX_PROBES] = 500,
    size: Annotated[int, counting.SIZE] = 8192,
    in_kernel: Annotated[bool, counting.IN_KERNEL] = False,
    as_json: Annotated[bool, counting.JSON] = False,
    quiet: Annotated[bool, counting.QUIET] = False,
) -> int:
    """Count hits in the kernel: of functions, of all that a wildcard matches, of events.

    On a terminal the table is shown while it is counted. It ends with Ctrl-C, --duration or CMD; the
    whole table is printed then, and how it was counted.

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
    show = counting.looker(_table, as_json)
    with counting.running(command, pids, children, duration) as run:
        defaults = run.defaults(returns, kind.value, every, nth, max_probes)
        words = counting.words_of(by)
        refusals = Refusals(report)
        request = CountRequest(places, defaults, words, filter_, run.tasks, size, in_kernel, refusals)
        answer, method = run_count(
            run.session,
            run.kernel,
            request,
            run.stop,
            command=run.child,
            ticking=run.ticking,
            show=show,
            note=counting.note,
        )
        from ktrace.output.terminal.table import terminal_width
        from ktrace.output.views.count import tally_records, tally_text

        counting.print_answer(
            answer,
            method,
            text=lambda: tally_text(answer.tally, width=terminal_width()),
            records=lambda: tally_records(answer.tally),
            as_json=as_json,
            quiet=quiet,
            show=show,
        )
        return refusals.status(run.status(answer.muted))


def _table(tally: "Tally", columns: int, lines: int) -> str:
    from ktrace.output.views.count import tally_text

    return tally_text(tally, width=columns, height=lines)
