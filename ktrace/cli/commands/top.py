"""`ktrace top`."""

import sys
from typing import TYPE_CHECKING, Annotated, TextIO, cast

import typer

from ktrace.cli import count_options as counting
from ktrace.cli.probe_options import EVERY, KIND, MAX_PROBES, Kind
from ktrace.cli.run_options import CHILDREN, CPU, DURATION, FILTER, PIDS, RunOptions
from ktrace.cli.running import exit_status, running
from ktrace.cli.traced import is_verbose
from ktrace.diagnostic import note
from ktrace.errors import UsageError

if TYPE_CHECKING:
    from ktrace.model.muted import Muted
    from ktrace.model.tally import Key, Tally
    from ktrace.output.terminal.screen import Screen
    from ktrace.resolve.spec import ProbeOptions
    from ktrace.session.run_context import RunContext

_SYSCALLS = "raw_syscalls:sys_enter"


def top(
    places: Annotated[
        list[str] | None, typer.Argument(metavar="PLACE...", help="Functions, wildcards, events.")
    ] = None,
    by: Annotated[list[str] | None, counting.BY] = None,
    pids: Annotated[list[int] | None, PIDS] = None,
    children: Annotated[bool, CHILDREN] = False,
    cpu: Annotated[str | None, CPU] = None,
    filter_: Annotated[str | None, FILTER] = None,
    duration: Annotated[float | None, DURATION] = None,
    kind: Annotated[Kind, KIND] = Kind.KPROBE,
    every: Annotated[bool, EVERY] = False,
    max_probes: Annotated[int, MAX_PROBES] = 500,
    size: Annotated[int, counting.SIZE] = 8192,
) -> int:
    """Show what is hit most often, live on the whole terminal; without PLACE, system calls.

    Keys: ? shows them all, q quits, s sorts by rate, hits or name, / shows only rows with a text, p pauses,
    up and down select a row, Enter shows the stacks that lead to the selected function, l shows how long it
    takes; q or Escape goes back, and the count goes on.

    \b
    Examples:
      ktrace top
      ktrace top 'tcp_*'
      ktrace top vfs_read vfs_write --by comm
      ktrace top sched:sched_switch --by next_comm
    """
    from ktrace.model.outcome import Outcome
    from ktrace.output.terminal.colour import wants_colour
    from ktrace.output.terminal.live import can_redraw
    from ktrace.output.terminal.screen import Screen
    from ktrace.session.signals import StopSignals

    if not (sys.stdin.isatty() and can_redraw(sys.stdout)):
        why = " that can move its cursor, and TERM says that this one cannot" if sys.stdout.isatty() else ""
        raise UsageError(f"top needs a terminal{why}", hint="ktrace count prints a table anywhere")
    if is_verbose() and sys.stderr.isatty():
        raise UsageError("-v would print over the screen of top", hint="ktrace top -v ... 2> FILE")
    options = RunOptions(None, pids, children, duration)
    words = counting.words_of(by)
    filter_ = counting.on_cpus(cpu, filter_)
    if not places:
        places, words = [_SYSCALLS], [*words, "id.syscall"]
    colour = wants_colour(sys.stdout)
    # Handle signals first: a signal that ended ktrace would leave the terminal without echo.
    with (
        StopSignals() as stop,
        Screen(cast(TextIO, _Stdout()), sys.stdin.fileno(), colour=colour) as screen,
    ):
        live = _Live(screen, places, words, filter_, size)
        action, status = "count", 0
        while action != "quit":
            stop.check()
            with running(options, sys.stdout.buffer, keys_fd=screen.keys) as context:
                context.notify = live.table.notes.append
                if action == "count":
                    how = counting.count_options(context, kind, every=every, max_probes=max_probes)
                    action = live.count(context, how)
                else:
                    action = live.drill(context, action)
                ended = Outcome(0.0, output_closed=context.output_closed, muted=live.muted)
                status = exit_status(context, ended)
    if status:  # otherwise the notes were in the help, and nothing stays on the terminal
        for text in dict.fromkeys(live.table.notes):
            note(text)
    return status


class _Stdout:
    """The current standard output: that of the run, which the run's end can interrupt, if there is a run."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


class _Live:
    """The live view, and the views that its keys open."""

    def __init__(
        self, screen: "Screen", places: list[str], words: list[str], filter_: str | None, size: int
    ) -> None:
        from ktrace.output.views.top import TopTable

        self._screen = screen
        self._places = places
        self._words = words
        self._filter = filter_
        self._size = size
        self._chosen = ""
        self._told = ""  # why a row has no further view, until the next key
        self.table = TopTable(" ".join(places), ascii_only=counting.ascii_only())
        self.muted: tuple[Muted, ...] = ()

    def count(self, context: "RunContext", how: "ProbeOptions") -> str:
        """Count until a key opens another view, and return that view."""
        from ktrace.counting.count import CountRequest, count
        from ktrace.resolve.refusals import Refusals

        action = ""

        def show(tally: "Tally | None", seconds: float) -> None:
            nonlocal action
            if tally is None:
                return
            for key in self._screen.pressed():
                self._told = ""
                action = action or self.table.press(key)
            self.table.take(tally, seconds)
            if action:
                if action != "quit" and self.table.chosen is not None:
                    self._chosen = self._place(self.table.chosen)
                self._draw(f"{action}: waiting for the kernel to remove the probes ...")
                context.end()
            else:
                self._draw(self._told)

        self.table.restart()
        self._draw(self._told or "waiting for the kernel to place the probes ...")
        # Refusals would be overwritten on the screen, so the help shows them.
        refusals = Refusals(lambda error: self.table.notes.append(error.message))
        request = CountRequest(self._places, how, self._words, self._filter, self._size, refusals=refusals)
        self.muted = count(context, request, show).outcome.muted
        return (action or "quit") if context.stop.received is None else "quit"

    def _draw(self, told: str = "") -> None:
        lines, marked = self.table.lines(*self._screen.size(), told)
        self._screen.draw(lines, marked=marked)

    def _place(self, key: "tuple[Key, ...]") -> str:
        """Return what a row counts.

        It is the function, or `sys_NAME` for a system call, which is not the name of an event.
        """
        if self._places == [_SYSCALLS]:
            return str(key[-1])
        return str(key[0])

    def drill(self, context: "RunContext", what: str) -> str:
        """Show stacks or latency of the selected row's function, until a key leads back."""
        from ktrace.counting.latency import latency
        from ktrace.counting.latency_request import LatencyRequest
        from ktrace.counting.stacks import StackRequest, stacks
        from ktrace.diagnostic import visible
        from ktrace.errors import KtraceError
        from ktrace.output.views.histogram import histogram_text, nanoseconds
        from ktrace.output.views.stacks import stacks_text

        head = f"{what} of {visible(self._chosen)}"

        def show(tally: "Tally | None", seconds: float) -> None:
            if tally is None:
                return
            back = f"{head}, {seconds:.0f} s   q back"
            if {"q", "escape"} & set(self._screen.pressed()):
                context.end()
                back = f"{head}   back: waiting for the kernel to remove the probe ..."
            if not tally.rows:
                text = f"\nwaiting for a call of {visible(self._chosen)} ..."
            elif what == "stacks":
                text = stacks_text(tally, height=self._screen.size()[1] - 1)
            else:
                text = histogram_text(tally, unit=nanoseconds, ascii_only=counting.ascii_only())
            self._screen.draw([back, *text.splitlines()])

        self._screen.draw([head, "", "waiting for the kernel to place the probe ..."])
        how = counting.count_options(context, Kind.KPROBE)
        event = self._chosen.replace(":", "/", 1)
        if what == "latency" and context.session.tracing.exists(f"events/{event}/enable"):
            self._told = f"no latency of {self._chosen}: it is an event, not a function"
            return "count"
        try:
            if what == "stacks":
                stacks(context, StackRequest([self._chosen], how), show)
            else:
                latency(context, LatencyRequest([self._chosen], how), show, lambda _slow: None)
        except KtraceError as error:
            self._told = f"no {what} of {self._chosen}: {error.message}"
        return "count" if context.stop.received is None else "quit"
