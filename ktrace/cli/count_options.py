"""Declare the options of the counting commands, and print their output."""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import typer

from ktrace.cli.quantities import count
from ktrace.cli.traced import is_verbose
from ktrace.errors import UsageError

if TYPE_CHECKING:
    from ktrace.cli.probe_options import Kind
    from ktrace.counting.kernel_counts import Answer
    from ktrace.model.tally import Tally
    from ktrace.resolve.spec import ProbeOptions
    from ktrace.session.run_context import RunContext

BY = typer.Option("--by", metavar="KEY,...", help="Count by comm, pid, cpu, stack or an argument.")
SIZE = typer.Option("--size", parser=count(), metavar="N", help="The most keys that the table holds.")
IN_KERNEL = typer.Option("--in-kernel", help="Fail if the kernel cannot count.")


def count_options(
    context: "RunContext",
    kind: "Kind",
    *,
    returns: bool = False,
    every: bool = False,
    nth: int | None = None,
    max_probes: int = 1,
) -> "ProbeOptions":
    """Return the options for probes at the places to count."""
    from ktrace.resolve.spec import ProbeOptions

    return ProbeOptions(
        context.session.name,
        at_return=returns,
        kind=kind.value,
        every=every,
        nth=nth,
        max_probes=max_probes,
    )


def words_of(texts: Sequence[str] | None) -> list[str]:
    """Return `comm,pid` and several such texts as one list.

    Commas within parentheses do not separate.
    """
    words: list[str] = []
    for text in texts or ():
        depth = 0
        word = ""
        for character in text:
            depth += (character in "([") - (character in ")]")
            if character == "," and depth == 0:
                words.append(word.strip())
                word = ""
            else:
                word += character
        words.append(word.strip())
    if "" in words:
        raise UsageError("--by has an empty word", hint="--by comm,pid")
    return words


def on_cpus(cpus: str | None, condition: str | None) -> str | None:
    """Return a filter for hits on some CPUs that also pass `condition`.

    Counting happens at the hit, before the buffer, which would select CPUs (`tracing_cpumask`).

    Raises:
        UsageError: it is not a list of CPUs.
    """
    if cpus is None:
        return condition
    from ktrace.aggregate.hist import both
    from ktrace.session.tasks import parse_cpus

    ranges: list[list[int]] = []
    for cpu in parse_cpus(cpus):
        if ranges and ranges[-1][1] == cpu - 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    words = [f"CPU == {a}" if a == b else f"CPU >= {a} && CPU <= {b}" for a, b in ranges]
    each = words if len(words) == 1 else [f"({word})" if "&&" in word else word for word in words]
    return both(" || ".join(each), condition)


def looker(
    render: "Callable[[Tally, int, int], str]", *, as_json: bool, command: str | None
) -> "Callable[[Tally | None, float], None] | None":
    """Return the function that shows a live table on a terminal.

    None if nobody would see it, and if CMD or -v prints something: to redraw the table would erase it.
    """
    if as_json or command or is_verbose():
        return None
    from ktrace.output.terminal.live import Live, can_redraw
    from ktrace.output.views.histogram import COLOURS

    if not can_redraw(sys.stdout):
        return None

    live: Live | None = None

    def show(tally: "Tally | None", seconds: float) -> None:
        # Create it within the run, so that a stopped terminal cannot block the run for long after its end.
        nonlocal live
        live = live or Live(sys.stdout, COLOURS)
        if tally is None:
            live.clear()
            return
        columns, lines = live.room()
        head = f"{seconds:.0f} s, Ctrl-C ends\n"
        live.draw(head + render(tally, columns, lines - 1))

    return show


def print_answer(
    answer: "Answer",
    text: Callable[[], str],
    records: "Callable[[], Iterable[str]]",
    *,
    as_json: bool,
    quiet: bool,
    show: "Callable[[Tally | None, float], None] | None",
) -> None:
    """Print the final table or the same in JSON, and a summary."""
    from ktrace.output.terminal.colour import painted
    from ktrace.output.views.count import answer_record, answer_text
    from ktrace.output.views.histogram import COLOURS

    if show is not None:
        show(None, 0.0)  # clears the live table
    told = (answer.tally, answer.method, answer.outcome)
    if as_json:
        for line in records():
            print(line)
        print(answer_record(*told))
        return
    sys.stdout.write(painted(text(), COLOURS, sys.stdout))
    sys.stdout.flush()
    if not quiet:
        print(f"ktrace: {answer_text(*told)}", file=sys.stderr)


def ascii_only() -> bool:
    """Return whether the terminal may lack the characters of bars."""
    return "utf" not in (sys.stdout.encoding or "").lower()
