"""Counting in the kernel: set the triggers, look at what they counted, and add it up.

Nothing per event crosses to user space, and what was counted goes with the session's instance.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ktrace.aggregate.hist import Hist, hist_path
from ktrace.aggregate.hist_file import HistTable, parse_hist, terms_of
from ktrace.aggregate.keys import Counter
from ktrace.errors import Damaged, KtraceError, Refused
from ktrace.model.muted import Muted
from ktrace.model.tally import Row, Tally, merge
from ktrace.session.command import Command
from ktrace.session.muted import watch
from ktrace.session.session import Session
from ktrace.session.ticking import LOOK_S, Ticking
from ktrace.tracefs.events import enable_step
from ktrace.tracefs.profiles import profiles_of


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Whose hits are counted; all, where nothing is said."""

    pids: Sequence[int] = ()
    children: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a run.

    Attributes:
        seconds: from arming to the end.
        missed: hits that the kernel could not look at: a probe within a probe, too few return instances.
        lost: hits that are not counted, since they were overwritten before they were read.
        untimed: calls that began, but whose time is not known; None where nothing is timed.
        unread: records that were left in the kernel's buffer: there was no time for them.
        muted: events that nothing could hit.
    """

    tally: Tally
    seconds: float
    missed: int
    lost: int = 0
    untimed: int | None = None
    unread: int = 0
    muted: tuple[Muted, ...] = ()


class CountSource(Protocol):
    """Where counts come from."""

    @property
    def look_s(self) -> float | None:
        """Seconds between two looks; None where nothing has to be looked at."""

    @property
    def lost(self) -> int:
        """Hits that are not in the counts, since they were overwritten before they were read."""

    @property
    def untimed(self) -> int | None:
        """Calls that began, but whose time is not known; None where nothing is timed."""

    @property
    def unread(self) -> int:
        """Records that were left in the kernel's buffer when counting was stopped."""

    def arm(self) -> None:
        """Begin to count."""

    def poll(self) -> None:
        """Look."""

    def stop(self, overdue: Callable[[], bool]) -> None:
        """Count no more. What there is still to be read is read until `overdue`."""

    def read(self) -> Tally:
        """Return the counts so far."""


class InKernel:
    """A source at which nobody has to look: the kernel counts."""

    look_s: float | None = None
    lost: int = 0
    untimed: int | None = None
    unread: int = 0

    def poll(self) -> None:
        """Do nothing."""

    def stop(self, _overdue: Callable[[], bool]) -> None:
        """Do nothing: counting goes on until the session ends, and the last counts read are shown."""


class HistTally(InKernel):
    """Hist triggers of a session, and the table that they come to.

    Args:
        names: of the parts of the key that is shown.
    """

    def __init__(self, session: Session, names: tuple[str, ...], counters: Iterable[Counter]) -> None:
        self._session = session
        self._names = names
        self._counters = tuple(counters)

    def arm(self) -> None:
        """Begin to count. Raises Refused in the kernel's words."""
        for counter in self._counters:
            try:
                self._session.apply(counter.hist.step(counter.event, f"count {counter.event}"))
            except Refused as refused:
                raise explained(refused, counter.event, counter.hist) from refused

    def read(self) -> Tally:
        """Return the counts so far."""
        return merge(self._names, self._tallies())

    def _tallies(self) -> Iterable[Tally]:
        by_event: dict[str, list[Counter]] = {}
        for counter in self._counters:
            by_event.setdefault(counter.event, []).append(counter)
        for event, counters in by_event.items():
            path = hist_path(event)
            tables = parse_hist(self._session.files.read(path), path)
            if len(tables) != len(counters):
                raise Damaged(
                    f"{len(tables)} histograms, where {len(counters)} were set", source=path, offset=0
                )
            for counter in counters:
                table = _table_of(counter.hist, tables, path)
                yield counter.show(self._names, table.tally)


class ProfileTally(InKernel):
    """The kernel's own count of each kprobe's hits: nothing is done per hit but to count it.

    It does not know who was there: ktrace's own calls are counted, too.

    Args:
        events: each event with the names of its places, in the order of their making.
    """

    def __init__(self, session: Session, events: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        self._session = session
        self._events = dict(events)

    def arm(self) -> None:
        """Begin to count. The buffer stays off: no record is made."""
        for event in self._events:
            self._session.apply(enable_step(event))

    def read(self) -> Tally:
        """Return the counts so far, without places that were never hit."""
        hits: dict[str, list[int]] = {}
        for event, profile in profiles_of(self._session.tracing, self._events):
            hits.setdefault(event, []).append(profile.hits)
        rows = [
            Row((place,), count)
            for event, places in self._events.items()
            for place, count in zip(places, hits.get(event, []), strict=False)
            if count
        ]
        return merge(("function",), [Tally(("function",), tuple(rows))])


def restrict(session: Session, tasks: TaskFilter, command: Command | None) -> bool:
    """Count only what these tasks do, and never what this process does.

    Returns:
        Whether this process is left out; else hits must be filtered by its id.
    """
    if command is not None:
        session.only_command(command)
    if tasks.pids:
        from ktrace.session.tasks import threads_of  # noqa: PLC0415 -- most runs name no process

        pids = threads_of(session.host, tasks.pids, children=tasks.children)
        session.only_tasks(pids, children=tasks.children)
    return session.ignore_self()


def run_tally(
    session: Session,
    source: CountSource,
    ticking: Callable[[], Ticking],
    command: Command | None,
    show: Callable[[Tally, float], None] | None,
    note: Callable[[str], None],
    existing: Sequence[str] = (),
) -> Answer:
    """Count until it ends.

    Args:
        ticking: makes what says when it ends, once everything is armed.
        show: takes what was counted so far, every now and then; None: nobody looks.
        note: takes remarks for the user.
        existing: events that are counted and not the session's own, `GROUP/NAME`.
    """
    before = missed(session)
    watched = watch(session, note, existing)
    watched.begin()
    source.arm()
    ticks = ticking()
    if command is not None:
        command.start()
    if source.look_s is not None:
        ticks.every_s = min(ticks.every_s, source.look_s)
    shown = 0.0
    while ticks():
        source.poll()
        if show is not None and (ticks.pressed or ticks.seconds - shown >= LOOK_S * 0.9):
            show(source.read(), ticks.seconds)
            shown = ticks.seconds
    seconds = ticks.seconds
    ticks.end()
    source.stop(lambda: ticks.overdue)
    tally = source.read()
    muted = watched.end(tally.count)
    missed_hits = missed(session) - before
    return Answer(tally, seconds, missed_hits, source.lost, source.untimed, source.unread, muted)


def missed(session: Session) -> int:
    """Missed hits of the session's events."""
    try:
        profiles = profiles_of(session.tracing, session.events)
    except OSError:
        return 0
    return sum(profile.missed or 0 for _, profile in profiles)


def explained(refused: Refused, event: str, hist: Hist) -> KtraceError:
    """Return the error for a refused trigger, with a hint."""
    hint = None
    if refused.caret is None:
        # The kernel says nothing of what does not fit.
        hint = (
            "at most three keys, of which one may be text, and no third one beside a text and a stack; "
            "ktrace counts by streaming without --in-kernel where the kernel has no hist triggers"
        )
    elif hist.filter:
        hint = f"--filter takes the fields of {event}: `ktrace show {event}` has them"
    return Refused(
        f"{event} cannot be counted so: {refused.message}",
        errno=refused.errno,
        excerpt=refused.excerpt,
        caret=refused.caret,
        hint=hint,
    )


def _table_of(hist: Hist, tables: Sequence[HistTable], path: str) -> HistTable:
    """Find the table of a trigger. The kernel prints its keys and filter as they were written."""
    keys = terms_of(hist.to_text())[0]
    for table in tables:
        behind = table.info.partition(" if ")[2]
        if terms_of(table.info)[0] == keys and behind == (hist.filter or ""):
            return table
    raise Damaged(f"no histogram by {hist.to_text()}", source=path, offset=0)
