"""`ktrace hist`."""

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

LINEAR = typer.Option("--linear", metavar="MIN:MAX:STEP", help="Equal steps instead of powers of two.")


def hist(
    place: Annotated[str, typer.Argument(metavar="PLACE", help="A function, a wildcard, an event.")],
    value: Annotated[str, typer.Argument(metavar="EXPR", help="An argument or a field.")],
    by: Annotated[list[str] | None, counting.BY] = None,
    linear: Annotated[str | None, LINEAR] = None,
    log2: Annotated[bool, typer.Option("--log2", help="Use powers of two, the default.")] = False,
    sum_: Annotated[
        str | None, typer.Option("--sum", metavar="EXPR", help="Also sum this up for each line.")
    ] = None,
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
    """Show the distribution of an argument, a return value or a field, counted in the kernel.

    Numbers are grouped by powers of two, or by --linear steps; each negative number, such as an error,
    has its own line. Text and functions are not grouped.

    \b
    Examples:
      ktrace hist vfs_read count -d 5
      ktrace hist vfs_read count --by comm --linear 0:4096:512
      ktrace hist -r vfs_read '$retval' -c 'ls -l'
      ktrace hist vfs_write file:path --sum count -p 1234
      ktrace hist block:block_rq_issue bytes --by rwbs
    """
    from ktrace.aggregate.keys import Linear
    from ktrace.counting.hist import HistRequest
    from ktrace.counting.hist import hist as run_hist
    from ktrace.errors import UsageError

    if linear and log2:
        raise UsageError("--linear and --log2: which?")
    steps = Linear.parse(linear) if linear else None
    show = counting.looker(_drawing, as_json=as_json, command=command)
    filter_ = counting.on_cpus(cpu, filter_)
    options = RunOptions(command, pids, children, duration, everybody=everybody)
    with running(options, sys.stdout.buffer) as context:
        how = counting.count_options(
            context, kind, returns=returns, every=every, nth=nth, max_probes=max_probes
        )
        words = counting.words_of(by)
        request = HistRequest(place, value, how, words, steps, sum_, filter_, size, in_kernel)
        answer = run_hist(context, request, show)
        from ktrace.output.views.count import tally_records

        counting.print_answer(
            answer,
            lambda: _drawing(answer.tally, 0, 0),
            lambda: tally_records(answer.tally, answer.tally.by_key()),
            as_json=as_json,
            quiet=quiet,
            show=show,
        )
        return exit_status(context, answer.outcome)


def _drawing(tally: "Tally", _columns: int, _lines: int) -> str:
    from ktrace.output.views.histogram import histogram_text

    return histogram_text(tally, ascii_only=counting.ascii_only())
