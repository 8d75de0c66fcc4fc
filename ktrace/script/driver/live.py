"""Run a script live: set its probes in a session and decode the pages of all CPUs in order of time."""

import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from ktrace.errors import Refused, Unavailable
from ktrace.probes.define_all import define_all
from ktrace.records import dataclass
from ktrace.script.driver.live_pages import LivePages
from ktrace.script.runtime.dispatch import Drive
from ktrace.session.command import Command
from ktrace.session.ending import VARIABLE
from ktrace.session.muted import watch
from ktrace.session.run_context import RunContext
from ktrace.session.session import Session
from ktrace.session.signals import StopSignals
from ktrace.tracefs.events import set_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ktrace.diagnostic import Notify
    from ktrace.model.muted import Muted
    from ktrace.script.driver.hist_counters import ScriptCounts
    from ktrace.script.driver.options import Options
    from ktrace.script.driver.prepared import Probed
    from ktrace.script.driver.serving import Serving
_TICK_S = 0.04
# An event gets its timestamp shortly before it is in the buffer.
_SETTLED_NS = 2_000_000
_LOOK_NS = 1_000_000_000


# many parameters: the parts of a run, which `run` makes for scripts without a kernel, too
def live(
    drive: Drive,
    kernel: "Probed",
    stop: StopSignals,
    child: Command | None,
    options: "Options",
    note: "Notify",
    *,
    serving: "Serving",
) -> "Sequence[Muted]":
    """Run a program until it ends or is stopped.

    Returns:
        The events that could not be hit.
    """
    with ExitStack() as stack:
        session = stack.enter_context(
            Session(kernel.kernel.tracing, kernel.kernel.debug, buffer_kb=options.buffer_kb)
        )
        context = RunContext(session, stop, note, child, duration_s=options.duration_s)
        _define(context, drive, kernel, options)
        _follow(context, drive, kernel)
        if child is not None:
            drive.state.target = session.id_of(child)
        if options.pushdown and child is not None and drive.compiled.pushed.only_target:
            session.only_tasks([drive.state.target], children=True)
        _record_processes(session)
        if drive.wants_user_stacks:
            _record_user_stacks(session)
        counts = _counts(session, drive, kernel) if options.pushdown else None
        reader = stack.enter_context(LivePages(session, drive, kernel))
        stop.check()
        watched = watch(session, note)
        watched.begin()
        stop.ends_in(options.duration_s)
        drive.begin()
        stop.ends_in(None)
        if not drive.done:
            if counts is not None:
                _count(session, drive, counts)
            if drive.counts is None:
                # A command may end before NumPy is loaded, and all its events have to be read soon after.
                reader.prepare(many=child is not None)
            session.arm()
            _loop(context, drive, reader, counts, serving)
            session.stop()
        stop.end()
        sampled = serving.collect()
        unread = _the_rest(drive, reader, stop, session)
        if sampled:
            drive.advance(drive.state.now())
        stop.last_words()
        drive.end()
        lost = sum(stats.lost for stats in session.stats())
        if lost:
            note(f"WARNING: {lost} events were lost: a larger --buffer-size holds more")
        if unread:
            note(
                f"WARNING: {unread} events were left unread: the handlers lag, and the script has ended; "
                f"{VARIABLE}=60 gives it 60 s after its end"
            )
        return watched.end(reader.events + (counts.hits if counts is not None else 0))


def _follow(context: RunContext, drive: Drive, kernel: "Probed") -> None:
    """Prepare what handlers ask beyond their events: about tasks, and names of addresses."""
    needs = drive.compiled.needs
    if needs.any_task or needs.programs:
        from ktrace.script.driver.follow_tasks import follow_tasks

        follow_tasks(context, needs, kernel)
    if needs.addresses:
        assert kernel.names.table  # a handler may not take the time that loading takes


def _the_rest(drive: Drive, reader: LivePages, stop: StopSignals, session: Session) -> int:
    """Handle events recorded before the end, while time allows. Return the number of unhandled events."""
    is_cut = drive.halted
    while not drive.done:
        _feed(drive, reader, None)
        if not reader.has_more:
            break
        is_cut = stop.overdue
        if is_cut:
            break
    if not (is_cut or drive.halted):
        return 0
    return drive.unhandled + reader.waiting + sum(stats.entries for stats in session.stats())


def _loop(
    context: RunContext,
    drive: Drive,
    reader: LivePages,
    counts: "ScriptCounts | None",
    serving: "Serving",
) -> None:
    """Start the command, and feed the program until it ends or the run is over."""
    waiting = context.waiting(serving.fds, every_s=_TICK_S)
    waiting.begin()
    look = _Look(drive, counts)
    wait_s = 0.0
    while waiting(wait_s):
        if waiting.ready:
            time.sleep(_SETTLED_NS / 1e9)  # so that a reader sees the events before its read
        now = drive.state.now()
        look(now)
        serving.collect()
        _feed(drive, reader, now - _SETTLED_NS)
        drive.advance(now - _SETTLED_NS)
        serving(lagging=reader.has_more)
        drive.flush()
        if drive.done:
            return
        due = drive.next_timer()
        wait_s = _TICK_S if due is None else max((due - drive.state.now() + _SETTLED_NS) / 1e9, 0.001)
        wait_s = 0.0 if serving.in_haste else wait_s


def _feed(drive: Drive, reader: LivePages, until: int | None) -> None:
    """Handle the events up to a time, or all of them."""
    happened = reader.read(until)
    if happened is not None:
        drive.take(happened)


def _define(context: RunContext, drive: Drive, kernel: "Probed", options: "Options") -> None:
    """Define the script's probes. The kernel may refuse some of those that match a wildcard."""
    session, stacks = context.session, drive.wants_stacks
    # Handlers at one tracepoint share a key.
    keys = list(dict.fromkeys(f.key for b in drive.compiled.bound for f in (*b.entries, *b.found)))
    note = context.notify if options.verbose else _drop
    made = define_all(
        [kernel.wanted[key] for key in keys if key in kernel.wanted],
        session.add_probe,
        before=context.stop.check,
        note=note,
    )
    for spec, defined in made.done:
        session.trace_event(defined.probe.event, stack=spec.probe.name in stacks)
    made.raise_if_none()
    if made.summary:
        note(made.summary)
    for key in keys:
        if key in kernel.events:
            event = kernel.events[key]
            session.trace_event(event, stack=event.partition("/")[2] in stacks)
        else:
            event = kernel.wanted[key].probe.event
        if options.pushdown and key in drive.compiled.pushed.filters and event in session.events:
            _filter(session, event, drive.compiled.pushed.filters[key])


def _drop(_text: str) -> None:
    """Discard a remark."""


def _counts(session: Session, drive: Drive, kernel: "Probed") -> "ScriptCounts | None":
    """Return the tables that the kernel counts in, or None if all handlers run in user space."""
    tables = drive.compiled.counted.tables
    if not tables or not kernel.kernel.features.hist_triggers or not session.ignore_self():
        return None
    from ktrace.script.driver.hist_counters import ScriptCounts
    from ktrace.script.runtime.hist_variables import Tables

    events = {table.key: kernel.event(table.key) for table in tables}
    there = {key: event for key, event in events.items() if event in session.events}
    return ScriptCounts(session, tables, there, Tables(drive.program.names))


def _count(session: Session, drive: Drive, counts: "ScriptCounts") -> None:
    """Start counting in the kernel. Hits that the tables do not count are recorded."""
    if not counts.start():
        return
    drive.counts = counts
    left = {counts.events[t.key]: t.left for t in counts.tables if t.key in counts.events}
    for event, condition in left.items():
        if condition is not None:
            session.filter_event(event, condition)
        else:
            session.count_only(event)


@dataclass(slots=True)
class _Look:
    """Checks the kernel's tables periodically, because a full array ends the script."""

    drive: Drive
    counts: "ScriptCounts | None"
    _next: int = 0

    def __call__(self, now: int) -> None:
        if self.counts is None or not self.counts.can_overflow:
            return
        if self._next and now >= self._next:
            self.drive.count()
            # A large table takes long to read.
            now = max(now, self.drive.state.now() + 10 * (self.drive.state.now() - now))
        if now >= self._next:
            self._next = now + _LOOK_NS


def _filter(session: Session, event: str, expression: str) -> None:
    """Set an event's filter. If the kernel refuses it, more is recorded and the handler tests it."""
    with suppress(Refused):
        set_filter(session.files, event, expression)


def _record_user_stacks(session: Session) -> None:
    """Record the process's stack after each event. The option ends with the instance."""
    try:
        session.files.write("trace_options", "userstacktrace")
    except OSError as error:
        raise Unavailable(f"this kernel does not record stacks of processes: {error.strerror}") from None


def _record_processes(session: Session) -> None:
    """Record which process each thread belongs to."""
    try:
        session.files.write("trace_options", "record-tgid")
    except OSError:
        return  # an old kernel; /proc tells as long as the thread lives
