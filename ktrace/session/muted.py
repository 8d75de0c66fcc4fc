"""Find events that nothing can hit in the machine's present state: "0 events" says nothing about them.

All kprobes can be disarmed, and ftrace can be switched off, for the whole system. A function of a module
that is not loaded is never called. The kernel defines and enables such probes without an error.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ktrace.diagnostic import Notify
from ktrace.host.host import Host
from ktrace.model.muted import Muted
from ktrace.model.place import EventPlace, FilePlace, SymbolPlace
from ktrace.model.probe import Probe
from ktrace.probes.define import is_pending
from ktrace.records import dataclass
from ktrace.tracefs import buffer
from ktrace.tracefs.dynevents import list_probes
from ktrace.tracefs.events import all_events, read_triggers
from ktrace.tracefs.files import Files
from ktrace.tracefs.switches import ARM, FTRACE_ON, ftrace_enabled, kprobes_armed

if TYPE_CHECKING:
    from ktrace.session.session import Session

DISARMED = "all kprobes of this system are disarmed (debugfs kprobes/enabled is 0)"
LEFT = "it was switched on while all kprobes were disarmed, and the kernel has not armed it since"
FTRACE_OFF = "ftrace is switched off (kernel.ftrace_enabled is 0)"
_UNKNOWN = "whether kprobes are armed is not known"

# Architectures on which kprobes use ftrace's call at a function's entry (HAVE_KPROBES_ON_FTRACE).
_ON_FTRACE = frozenset({"x86_64", "i686", "i586", "ppc64", "ppc64le", "s390x", "parisc", "loongarch64"})


@dataclass(frozen=True, slots=True)
class Switches:
    """The state of the switches; None if unknown."""

    kprobes: bool | None
    ftrace: bool | None

    @classmethod
    def read(cls, host: Host, debug: Files | None) -> "Switches":
        """Read the state from the kernel."""
        return cls(kprobes_armed(debug), ftrace_enabled(host))

    @property
    def off(self) -> bool:
        """Return whether one of the switches is off."""
        return self.kprobes is False or self.ftrace is False


def find_muted(
    tracing: Files,
    debug: Files | None,
    events: Iterable[str],
    *,
    enabled: bool = False,
    pending: bool = False,
) -> tuple[Muted, ...]:
    """Return which of these events (`GROUP/NAME`) cannot be hit now, and why.

    It reads only two small files if the switches are on and neither `enabled` nor `pending` is set.

    Args:
        enabled: the events are enabled; also find those that the kernel has left disarmed.
        pending: also find functions of modules that are not loaded.
    """
    switches = Switches.read(tracing.host, debug)
    if not (switches.off or enabled or pending):
        return ()
    wanted = set(events)
    points: dict[str, list[Probe]] = {}
    probes = list_probes(tracing)[0]
    for probe in probes:
        points.setdefault(probe.event, []).append(probe)
    flags = _flags(tracing.host, probes, debug) if wanted & points.keys() else {}
    look = _Look(tracing.host, switches, flags, points, enabled, pending)
    found: dict[tuple[str, str], list[str]] = {}
    for event in sorted(wanted & points.keys()):
        for n, probe in enumerate(points[event]):
            why = look.why(probe, n)
            if why is not None:
                name = event if len(points[event]) == 1 else f"{event} at {probe.place.to_text()}"
                found.setdefault(why, []).append(_shown(name))
    return tuple(Muted(tuple(names), why, hint) for (why, hint), names in found.items())


def unknown(tracing: Files, debug: Files | None, events: Iterable[str]) -> str | None:
    """Return the remark for a count of 0 if the kernel does not show whether kprobes are armed."""
    if kprobes_armed(debug) is not None:
        return None
    wanted = set(events)
    if not any(_is_kprobe(p) for p in list_probes(tracing)[0] if p.event in wanted):
        return None
    if debug is None:
        return f"{_UNKNOWN}: debugfs is not mounted\n  hint: mount -t debugfs nodev /sys/kernel/debug"
    return f"{_UNKNOWN}: {debug.root}/kprobes/enabled cannot be read\n  hint: `ktrace doctor` says why"


def watch(session: "Session", note: Notify, more: Iterable[str] = ()) -> "Watch":
    """Return a watch over a session's events, and over `more`."""

    def look(thorough: bool) -> tuple[Muted, ...]:
        events = (*session.used, *more)
        return find_muted(session.tracing, session.debug, events, enabled=thorough, pending=thorough)

    return Watch(look, note, lambda: unknown(session.tracing, session.debug, (*session.used, *more)))


def top_muted(
    tracing: Files, debug: Files | None, events: Sequence[str], *, waits: bool = False
) -> tuple[Muted, ...]:
    """Return those of these events, enabled in the top buffer, that nothing can hit or record there now.

    Args:
        waits: whether the buffer waits for an event that starts the recording.
    """
    found = find_muted(tracing, debug, events, enabled=True)
    try:
        if waits or buffer.recording(tracing) or _waits(tracing):
            return found
    except OSError:
        return found
    on = f"echo 1 >> {tracing.root}/tracing_on"
    return (*found, Muted(tuple(events), "the top buffer takes no events (tracing_on is 0)", on))


def _waits(tracing: Files) -> bool:
    """Return whether a trigger of an event will switch the top buffer on."""
    for event in all_events(tracing):
        try:
            if any(trigger.startswith("traceon") for trigger in read_triggers(tracing, event)):
                return True
        except OSError:  # the kernel's own events have no triggers, and others may be removed meanwhile
            continue
    return False


def graph_muted(host: Host, functions: Iterable[str]) -> tuple[Muted, ...]:
    """Return why no call of these functions can be followed now."""
    if ftrace_enabled(host) is not False:
        return ()
    return (Muted(tuple(sorted(functions)), FTRACE_OFF, FTRACE_ON),)


class Watch:
    """Says at the start and at the end of a run which of its events could not be hit.

    Args:
        look: finds these events; its argument says whether to be thorough.
        note: takes remarks for the user.
        unsure: the remark for a count of 0, if any.

    Example:
        watch = Watch(session.muted, note)
        watch.begin()
        ...
        watch.end(events)
    """

    def __init__(
        self,
        look: Callable[[bool], Sequence[Muted]],
        note: Notify,
        unsure: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._look = look
        self._note = note
        self._unsure = unsure
        self.muted: tuple[Muted, ...] = ()

    def begin(self) -> tuple[Muted, ...]:
        """Look before anything is counted. Return the events that cannot be hit."""
        self.muted = tuple(self._look(False))
        for one in self.muted:
            self._note(f"{one.to_text('cannot')}\nhint: {one.hint}")
        return self.muted

    def end(self, events: int) -> tuple[Muted, ...]:
        """Look again when `events` have been counted. Return the events that could not be hit.

        If there were hits, events that were muted only at the beginning are left out.
        """
        now = tuple(self._look(events == 0 or bool(self.muted)))
        named = {name for one in now for name in one.events}
        before = tuple(one for one in self.muted if not named.issuperset(one.events))
        self.muted = now if events else (*now, *before)
        for one in self.muted:
            self._note(f"{one.to_text('could not')}\nhint: {one.hint}")
        if not events and not self.muted and (text := self._unsure()) is not None:
            self._note(text)
        return self.muted


@dataclass(frozen=True, slots=True)
class _Look:
    """Everything known about the kernel's probes.

    Attributes:
        host: the machine that they are on.
        flags: of each kprobe's line in kprobes/list, by its event and its number among that event's.
        points: the probes of each event.
    """

    host: Host
    switches: Switches
    flags: Mapping[tuple[str, int], tuple[str, ...]]
    points: Mapping[str, Sequence[Probe]]
    enabled: bool
    pending: bool

    def why(self, probe: Probe, number: int) -> tuple[str, str] | None:
        """Return why a probe cannot be hit, and what to do about it; None if it can."""
        if isinstance(probe.place, EventPlace):
            other = self.points.get(f"{probe.place.system}/{probe.place.event}", [])
            reasons = [self.why(one, n) for n, one in enumerate(other)]
            return reasons[0] if reasons and all(reasons) else None
        flags = self.flags.get((probe.event, number), ())
        if self.switches.kprobes is False and _is_kprobe(probe):
            return DISARMED, ARM
        if self.switches.ftrace is False and (probe.kind in "ft" or "FTRACE" in flags):
            return FTRACE_OFF, FTRACE_ON
        if self.enabled and "DISABLED" in flags:
            return LEFT, f"ktrace disable {_shown(probe.event)}; ktrace enable {_shown(probe.event)}"
        if self.pending and is_pending(self.host, probe):
            assert isinstance(probe.place, SymbolPlace)
            return f"module {probe.place.module} is not loaded", f"modprobe {probe.place.module}"
        return None


def _is_kprobe(probe: Probe) -> bool:
    return probe.kind in "pr" and not isinstance(probe.place, FilePlace)


def _flags(host: Host, probes: list[Probe], debug: Files | None) -> dict[tuple[str, int], tuple[str, ...]]:
    """Return each kprobe's flags in kprobes/list, or if that is hidden, the likely flags for its place."""
    from ktrace.probes.listing import registered_as  # noqa: PLC0415 -- most runs need none of it

    lines = registered_as(probes, debug)
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    numbers: dict[str, int] = {}
    for index, probe in enumerate(probes):
        number = numbers[probe.event] = numbers.get(probe.event, -1) + 1
        if lines is None:
            likely = _at_entry(probe) and host.uname().machine in _ON_FTRACE
            found[probe.event, number] = ("FTRACE",) if likely else ()
        elif (line := lines[index]) is not None:
            found[probe.event, number] = line.flags
    return found


def _at_entry(probe: Probe) -> bool:
    return _is_kprobe(probe) and isinstance(probe.place, SymbolPlace) and probe.place.offset == 0


def _shown(event: str) -> str:
    """Return an event's name without a session's group, which means nothing to the user."""
    group, _, name = event.partition("/")
    return name if group.startswith("ktrace_") else event
