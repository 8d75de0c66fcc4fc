"""`ktrace latency`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli import count_options as counting
from ktrace.cli.probe_options import KIND, Kind
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
from ktrace.errors import UsageError

if TYPE_CHECKING:
    from ktrace.model.slow_call import Slow
    from ktrace.model.tally import Tally

ON = typer.Option("--on", metavar="FIELD[=FIELD],...", help="The fields that must be equal in A and B.")
ABOVE = typer.Option("--above", metavar="TIME", help="Show each call that takes at least TIME: 10ms.")
NESTED = typer.Option("--nested", help="Stream events, to time also nested calls.")
LINEAR = typer.Option("--linear", metavar="MIN:MAX:STEP", help="Equal steps: 0:10ms:500us.")

_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "": 1}


def latency(
    words: Annotated[
        list[str], typer.Argument(metavar="FUNC [ARG...] | A B", help="A function, or two events.")
    ],
    on: Annotated[list[str] | None, ON] = None,
    by: Annotated[list[str] | None, counting.BY] = None,
    above: Annotated[str | None, ABOVE] = None,
    linear: Annotated[str | None, LINEAR] = None,
    command: Annotated[str | None, COMMAND] = None,
    everybody: Annotated[bool, EVERYBODY] = False,
    pids: Annotated[list[int] | None, PIDS] = None,
    children: Annotated[bool, CHILDREN] = False,
    cpu: Annotated[str | None, CPU] = None,
    filter_: Annotated[str | None, FILTER] = None,
    duration: Annotated[float | None, DURATION] = None,
    kind: Annotated[Kind, KIND] = Kind.KPROBE,
    size: Annotated[int, counting.SIZE] = 8192,
    in_kernel: Annotated[bool, counting.IN_KERNEL] = False,
    nested: Annotated[bool, NESTED] = False,
    as_json: Annotated[bool, JSON] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> int:
    """Show how long a function takes, or the time from one event to another, as a distribution.

    Times are measured in the kernel. With --above, each slow call is shown, too, with the requested
    arguments, the return value and the kernel's stack. If calls of one thread nest, only the innermost
    is timed, and the others are counted as not timed. --nested times all of them.

    \b
    Examples:
      ktrace latency vfs_read -d 5
      ktrace latency vfs_read count --above 10ms --by comm
      ktrace latency do_sys_openat2 --filter 'common_pid > 1' -c 'ls -l'
      ktrace latency sched:sched_waking sched:sched_switch --on pid=next_pid -d 1
      ktrace latency block:block_rq_issue block:block_rq_complete --on dev,sector
    """
    from ktrace.aggregate.keys import Linear
    from ktrace.counting.latency import latency as run_latency
    from ktrace.counting.latency_request import LatencyRequest

    places, args = (words, []) if on else (words[:1], words[1:])
    if on and len(words) != 2:
        raise UsageError("--on is what two events share: A B --on FIELD")
    if on and (command or pids) and any(not word.startswith("common_pid") for word in on):
        raise UsageError(
            "-c and -p choose who is at both events; these may be hit by different tasks",
            hint="--filter chooses by the first event's fields, such as 'pid == 1234'",
        )
    steps = Linear.parse(linear, time) if linear else None
    show = counting.looker(_drawing, as_json=as_json, command=command) if above is None else None
    filter_ = counting.on_cpus(cpu, filter_)
    options = RunOptions(command, pids, children, duration, everybody=everybody)
    with running(options, sys.stdout.buffer) as context:
        request = LatencyRequest(
            places,
            counting.count_options(context, kind),
            counting.words_of(on),
            args,
            counting.words_of(by),
            time(above) if above else None,
            steps,
            filter_,
            size,
            in_kernel,
            nested,
        )
        answer = run_latency(context, request, show, _emit_json if as_json else _emit)
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


def time(text: str) -> int:
    """Convert a time such as `10ms` to nanoseconds; plain numbers are nanoseconds.

    Raises UsageError if it is not a time.
    """
    number = text.rstrip("nums")
    unit = _UNITS.get(text[len(number) :])
    try:
        if unit is None:
            raise ValueError
        return round(float(number) * unit)
    except ValueError:
        raise UsageError(f"'{text}' is not a time", hint="10ms, 1.5s, 200us, 900ns") from None


def _emit(slow: "Slow") -> None:
    from ktrace.output.views.slow_calls import slow_text

    sys.stdout.write(slow_text(slow))
    sys.stdout.flush()


def _emit_json(slow: "Slow") -> None:
    from ktrace.output.views.slow_calls import slow_record

    print(slow_record(slow), flush=True)


def _drawing(tally: "Tally", _columns: int, _lines: int) -> str:
    from ktrace.output.views.histogram import histogram_text, nanoseconds

    return histogram_text(tally, unit=nanoseconds, ascii_only=counting.ascii_only())
