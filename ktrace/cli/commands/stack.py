"""`ktrace stack`."""

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from ktrace.cli import count_options as counting
from ktrace.cli.probe_options import EVERY, KIND, MAX_PROBES, NTH, Kind
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
from ktrace.cli.running import exit_status, patient, running

if TYPE_CHECKING:
    from ktrace.model.tally import Tally
    from ktrace.session.signals import StopSignals
    from ktrace.storage.target import Target

FOLD = typer.Option(
    "--fold", metavar="FILE", help="Write folded lines for flame graph programs; - is stdout."
)
SVG = typer.Option("--svg", metavar="FILE", help="Write a flame graph, as one file.")
SPEEDSCOPE = typer.Option("--speedscope", metavar="FILE", help="Write a profile for speedscope.")


def stack(
    places: Annotated[list[str], typer.Argument(metavar="PLACE...", help="Functions, wildcards, events.")],
    user: Annotated[
        bool, typer.Option("--user", help="Count the program's stacks, not the kernel's.")
    ] = False,
    fold: Annotated[str | None, FOLD] = None,
    svg: Annotated[str | None, SVG] = None,
    speedscope: Annotated[str | None, SPEEDSCOPE] = None,
    command: Annotated[str | None, COMMAND] = None,
    everybody: Annotated[bool, EVERYBODY] = False,
    pids: Annotated[list[int] | None, PIDS] = None,
    children: Annotated[bool, CHILDREN] = False,
    cpu: Annotated[str | None, CPU] = None,
    filter_: Annotated[str | None, FILTER] = None,
    duration: Annotated[float | None, DURATION] = None,
    kind: Annotated[Kind, KIND] = Kind.KPROBE,
    every: Annotated[bool, EVERY] = False,
    nth: Annotated[int | None, NTH] = None,
    max_probes: Annotated[int, MAX_PROBES] = 500,
    size: Annotated[int, counting.SIZE] = 8192,
    in_kernel: Annotated[bool, counting.IN_KERNEL] = False,
    as_json: Annotated[bool, JSON] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> int:
    """Count the stacks that lead to a place, in the kernel.

    The kernel keeps the 16 innermost frames of each stack. A flame graph shows them from the outermost
    frame at the bottom to the place itself at the top; the width of a frame is its share of the hits.

    \b
    Examples:
      ktrace stack vfs_read -c 'ls -l'
      ktrace stack 'tcp_send*' -d 10 --svg flames.svg
      ktrace stack block:block_rq_issue -d 10 --fold out.folded
      ktrace stack vfs_write --user -p 1234 --speedscope profile.json
    """
    from ktrace.cli.report import report
    from ktrace.counting.stacks import StackRequest
    from ktrace.counting.stacks import stacks as run_stacks
    from ktrace.resolve.refusals import Refusals
    from ktrace.storage.destination import target_of, write_to

    show = counting.looker(_table, as_json=as_json, command=command)
    with ExitStack() as stack_:
        targets: list[Target] = []
        files: dict[str, BinaryIO] = {}
        for name, path in (("fold", fold), ("svg", svg), ("speedscope", speedscope)):
            if path is not None:
                targets.append(stack_.enter_context(target_of(path, others=targets)))
                files[name] = stack_.enter_context(write_to(targets[-1]))
        filter_ = counting.on_cpus(cpu, filter_)
        options = RunOptions(command, pids, children, duration, everybody=everybody)
        context = stack_.enter_context(running(options, sys.stdout.buffer))
        how = counting.count_options(context, kind, every=every, nth=nth, max_probes=max_probes)
        refusals = Refusals(report)
        request = StackRequest(places, how, filter_, size, in_kernel, user, refusals)
        answer = run_stacks(context, request, show)
        from ktrace.output.views.count import tally_records
        from ktrace.output.views.stacks import stacks_text

        _write(answer.tally, " ".join(places), files, context.stop)
        counting.print_answer(
            answer,
            lambda: "" if files else stacks_text(answer.tally),
            lambda: tally_records(answer.tally),
            as_json=as_json,
            quiet=quiet,
            show=show,
        )
        return refusals.status(exit_status(context, answer.outcome))


def _write(tally: "Tally", title: str, files: dict[str, BinaryIO], stop: "StopSignals") -> None:
    from ktrace.output.formats.flamegraph import flamegraph
    from ktrace.output.formats.folded_stacks import folded
    from ktrace.output.formats.speedscope import speedscope
    from ktrace.output.views.stacks import outermost_first

    stacks = outermost_first(tally)
    for name, out in files.items():
        match name:
            case "fold":
                text = folded(stacks)
            case "svg":
                text = flamegraph(stacks, title=title)
            case _:
                text = speedscope(stacks, name=title)
        patient(out, stop).write(text.encode())


def _table(tally: "Tally", _columns: int, lines: int) -> str:
    from ktrace.output.views.stacks import stacks_text

    return stacks_text(tally, height=lines)
