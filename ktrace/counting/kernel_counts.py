"""Count in the kernel: set hist triggers, read their tables, and add them up.

Hits are not copied to user space, and the counts are removed with the session's instance.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ktrace.aggregate.hist import Hist, hist_path
from ktrace.aggregate.hist_file import HistTable, parse_hist, terms_of
from ktrace.aggregate.keys import Counter
from ktrace.errors import Damaged, KtraceError, Refused
from ktrace.model.outcome import Outcome
from ktrace.model.tally import Row, Tally, merge
from ktrace.session.muted import watch
from ktrace.session.run_context import RunContext
from ktrace.session.session import Session
from ktrace.tracefs.events import enable_step
from ktrace.tracefs.profiles import profiles_of

SHOW_S = 0.25
"""Seconds between two reads of the counts, often enough for a person to watch."""

Show = Callable[[Tally | None, float], None]
"""Shows the counts so far, and the seconds that they took; with None, it removes what it has shown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a run.

    Attributes:
        method: how hits were counted, in words.
    """

    tally: Tally
    method: str
    outcome: Outcome


class CountSource(Protocol):
    """A source of counts."""

    @property
    def look_s(self) -> float | None:
        """Return the longest time between two polls in seconds; None if polling is not needed."""

    @property
    def lost(self) -> int:
        """Return the hits that are not counted, because they were overwritten before they were read."""

    @property
    def untimed(self) -> int | None:
        """Return the calls that began, but whose duration is not known; None if calls are not timed."""

    @property
    def unread(self) -> int:
        """Return the records that were left in the kernel's buffer when counting was stopped."""

    def arm(self) -> None:
        """Start counting."""

    def poll(self) -> None:
        """Take the available records."""

    def stop(self, overdue: Callable[[], bool]) -> None:
        """Stop counting. Records that are left are read until `overdue` returns True."""

    def read(self) -> Tally:
        """Return the counts so far."""


class InKernel:
    """A source that needs no polling, because the kernel counts."""

    look_s: float | None = None
    lost: int = 0
    untimed: int | None = None
    unread: int = 0

    def poll(self) -> None:
        """Do nothing."""

    def stop(self, _overdue: Callable[[], bool]) -> None:
        """Do nothing: the kernel counts until the session ends, and the last counts read are shown."""


class HistTally(InKernel):
    """Hist triggers of a session, and the table of their counts.

    Args:
        names: the names of the parts of the key.
    """

    def __init__(self, session: Session, names: tuple[str, ...], counters: Iterable[Counter]) -> None:
        self._session = session
        self._names = names
        self._counters = tuple(counters)

    def arm(self) -> None:
        """Start counting. Raises Refused with the kernel's own message."""
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
    """The kernel's own count of each kprobe's hits, which costs nothing else per hit.

    It does not know the task: ktrace's own calls are counted, too.

    Args:
        events: each event with the names of its places, in the order in which they were defined.
    """

    def __init__(self, session: Session, events: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        self._session = session
        self._events = dict(events)

    def arm(self) -> None:
        """Start counting. The buffer stays off, so no record is made."""
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


def restrict(context: RunContext) -> bool:
    """Count only hits of the run's tasks, and none of this process.

    Returns:
        Whether the kernel ignores this process; if not, hits must be filtered by its id.
    """
    context.restrict()
    return context.session.ignore_self()


def run_tally(
    context: RunContext,
    source: CountSource,
    method: str,
    show: Show | None,
    existing: Sequence[str] = (),
) -> Answer:
    """Count until the run is over.

    Args:
        method: how hits are counted, in words.
        show: called a few times a second; None if nothing is shown.
        existing: counted events that are not the session's own, `GROUP/NAME`.
    """
    session, stop = context.session, context.stop
    before = missed(session)
    watched = watch(session, context.notify, existing)
    watched.begin()
    source.arm()
    waiting = context.waiting(every_s=min(SHOW_S, source.look_s or SHOW_S))
    waiting.begin()
    shown = 0.0
    while waiting():
        source.poll()
        if show is not None and (waiting.pressed or waiting.seconds - shown >= SHOW_S * 0.9):
            show(source.read(), waiting.seconds)
            shown = waiting.seconds
    seconds = waiting.seconds
    if show is not None:
        show(None, seconds)  # before anything is printed below it
    stop.end()
    source.stop(lambda: stop.overdue)
    tally = source.read()
    outcome = Outcome(
        seconds,
        source.lost,
        missed(session) - before,
        source.unread,
        source.untimed,
        output_closed=waiting.output_closed,
        muted=watched.end(tally.count),
    )
    return Answer(tally, method, outcome)


def missed(session: Session) -> int:
    """Return the missed hits of the session's events."""
    try:
        profiles = profiles_of(session.tracing, session.events)
    except OSError:
        return 0
    return sum(profile.missed or 0 for _, profile in profiles)


def explained(refused: Refused, event: str, hist: Hist) -> KtraceError:
    """Return the error for a refused trigger, with a hint."""
    hint = None
    if refused.caret is None:
        # The kernel does not say what does not fit.
        hint = (
            "at most three keys, of which one may be text, and only two if they are a text and a stack; "
            "without --in-kernel, ktrace streams events if the kernel has no hist triggers"
        )
        if hist.filter:
            hint = f"is each name in '{hist.filter}' a field? `ktrace show {event}` lists them; {hint}"
    elif hist.filter:
        hint = f"--filter takes the fields of {event}: `ktrace show {event}` has them"
    return Refused(
        f"{event} cannot be counted like that: {refused.message}",
        errno=refused.errno,
        excerpt=refused.excerpt,
        caret=refused.caret,
        hint=hint,
    )


def _table_of(hist: Hist, tables: Sequence[HistTable], path: str) -> HistTable:
    """Find the table of a trigger. The kernel prints its keys and filter as they were written."""
    keys = terms_of(hist.to_text())[0]
    for table in tables:
        condition = table.info.partition(" if ")[2]
        if terms_of(table.info)[0] == keys and condition == (hist.filter or ""):
            return table
    raise Damaged(f"no histogram by {hist.to_text()}", source=path, offset=0)
