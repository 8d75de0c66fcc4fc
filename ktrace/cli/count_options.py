"""Options and output that the counting commands share."""

import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from ktrace.cli.combining import needs
from ktrace.cli.traced import traced
from ktrace.errors import UsageError
from ktrace.model.muted import seeing_status

if TYPE_CHECKING:
    from ktrace.counting.kernel_counts import Answer, TaskFilter
    from ktrace.kernel.kernel import Kernel
    from ktrace.model.muted import Muted
    from ktrace.model.tally import Tally
    from ktrace.resolve.spec import KindChoice, ProbeOptions
    from ktrace.session.command import Command
    from ktrace.session.session import Session
    from ktrace.session.signals import StopSignals
    from ktrace.session.ticking import Ticking

COMMAND = typer.Option("-c", "--command", metavar="CMD", help="Only CMD and its children; end with it.")
PIDS = typer.Option("-p", "--pid", help="Only this process; repeatable.")
CHILDREN = typer.Option(help="With -p: also its children, now and later.")
FILTER = typer.Option("--filter", help="Only hits for which this holds, such as 'count > 4096'.")
BY = typer.Option("--by", metavar="KEY,...", help="comm, pid, cpu, stack, or an argument.")
SIZE = typer.Option("--size", min=1, metavar="N", help="Keys that the kernel has room for.")
IN_KERNEL = typer.Option("--in-kernel", help="Rather fail than stream events to count them.")
JSON = typer.Option("--json", help="JSON Lines: see docs/json.md.")
QUIET = typer.Option("-q", "--quiet", help="No summary at the end.")
RETURN = typer.Option("-r", "--return", help="At the return of PLACE.")

_BROKEN_PIPE = 128 + signal.SIGPIPE


@dataclass(frozen=True, slots=True)
class Run:
    """The objects that a run of a counting command needs."""

    session: "Session"
    kernel: "Kernel"
    stop: "StopSignals"
    child: "Command | None"
    tasks: "TaskFilter"
    duration: float | None
    ticks: "list[Ticking]"
    keys_fd: int | None = None

    def ticking(self) -> "Ticking":
        """Start measuring the time of the run."""
        from ktrace.session.ticking import Ticking
        from ktrace.session.waiting import watchable_output

        self.ticks.append(
            Ticking(
                self.stop,
                duration_s=self.duration,
                command=self.child,
                output_fd=watchable_output(sys.stdout.fileno()),
                keys_fd=self.keys_fd,
            )
        )
        return self.ticks[-1]

    def end(self) -> None:
        """Let the run end."""
        for ticking in self.ticks:
            ticking.ended = True

    def defaults(
        self, returns: bool, kind: "KindChoice", every: bool, nth: int | None, max_probes: int
    ) -> "ProbeOptions":
        """Return how to probe places, as the options say."""
        from ktrace.resolve.spec import ProbeOptions

        return ProbeOptions(
            self.session.name,
            at_return=returns,
            machine=self.kernel.machine,
            kind=kind,
            every=every,
            nth=nth,
            max_probes=max_probes,
        )

    def status(self, muted: "Sequence[Muted]") -> int:
        """Return the exit status of a finished run in which `muted` could not be hit."""
        if self.ticks and self.ticks[-1].output_closed:
            return _BROKEN_PIPE
        if self.stop.received is not None and self.stop.received != signal.SIGINT:
            return 128 + self.stop.received
        return seeing_status(self.child.finish() if self.child else 0, muted)


@contextmanager
def running(
    command: str | None,
    pids: Sequence[int] | None,
    children: bool,
    duration: float | None,
    *,
    keys_fd: int | None = None,
) -> "Iterator[Run]":
    """Yield a session with everything that a run needs, and undo all of it at the end."""
    from ktrace.counting.kernel_counts import TaskFilter
    from ktrace.kernel.kernel import Kernel
    from ktrace.session.command import Command
    from ktrace.session.patient_output import patient_streams
    from ktrace.session.session import Session
    from ktrace.session.signals import StopSignals

    if command and pids:
        raise UsageError("-c and -p together: which process?")
    needs("--children", children, "-p PID", pids)
    with ExitStack() as stack:
        stop = stack.enter_context(StopSignals())
        stack.enter_context(patient_streams(stop))
        child = stack.enter_context(Command(command, to_stderr=True, host=traced())) if command else None
        session = stack.enter_context(Session(host=traced()))
        kernel = Kernel(session.tracing, session.debug)
        yield Run(session, kernel, stop, child, TaskFilter(pids or (), children), duration, [], keys_fd)


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


def looker(
    render: "Callable[[Tally, int, int], str]", as_json: bool
) -> "Callable[[Tally | None, float], None] | None":
    """Return the function that shows a live table on a terminal, or None if nobody would see it."""
    if as_json or not sys.stdout.isatty():
        return None
    from ktrace.output.terminal.live import Live

    live: Live | None = None

    def show(tally: "Tally | None", seconds: float) -> None:
        # Made within the run, whose standard output its end can get out of: a terminal may be stopped.
        nonlocal live
        live = live or Live(sys.stdout)
        if tally is None:
            live.clear()
            return
        columns, lines = live.room()
        head = f"{seconds:.0f} s, Ctrl-C ends\n"
        live.draw(head + render(tally, columns, lines - 1))

    return show


def print_answer(
    answer: "Answer",
    method: str,
    *,
    text: Callable[[], str],
    records: Callable[[], Iterable[str]],
    as_json: bool,
    quiet: bool,
    show: "Callable[[Tally | None, float], None] | None",
) -> None:
    """Print the final table or the same in JSON, and a summary."""
    from ktrace.output.views.count import Told, answer_record, answer_text

    if show is not None:
        show(None, 0.0)  # takes the live table away
    told = Told(
        method, answer.seconds, answer.missed, answer.lost, answer.untimed, answer.unread, answer.muted
    )
    if as_json:
        for line in records():
            print(line)
        print(answer_record(answer.tally, told))
        return
    sys.stdout.write(text())
    sys.stdout.flush()
    if not quiet:
        print(f"ktrace: {answer_text(answer.tally, told)}", file=sys.stderr)
    if answer.unread:
        note_unread(answer.unread)


def ascii_only() -> bool:
    """Return whether the terminal may lack the characters of bars."""
    return "utf" not in (sys.stdout.encoding or "").lower()


def note(text: str) -> None:
    """Print a note for the user."""
    from ktrace.diagnostic import note as draw

    draw(text)


def note_unread(count: int, *, given_up: bool = False) -> None:
    """Report how many records a run left unread at its end, and how to get them.

    Args:
        count: the number of records.
        given_up: whether they were left because nobody reads the output.
    """
    from ktrace.diagnostic import note as draw
    from ktrace.session.ending import VARIABLE

    if given_up:
        draw(f"nobody takes the output: {count} records were not written")
        return
    draw(
        f"{count} records were left unread: there was no time for them after the end of the run",
        hint=f"fewer events (--filter), or {VARIABLE}=60 before the command: 60 s after the end",
    )
