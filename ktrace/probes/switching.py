"""Enable, disable and remove probes, for the commands of these names."""

import errno
import re
from collections.abc import Callable
from contextlib import suppress

from ktrace.errors import Busy, KtraceError, NotFound, Refused
from ktrace.model.place import EventPlace
from ktrace.model.probe import Probe
from ktrace.tracefs import dynevents
from ktrace.tracefs.events import enabled_state, read_triggers
from ktrace.tracefs.files import Files
from ktrace.tracefs.instances import holders, trigger_mentions
from ktrace.tracefs.mount import without_root
from ktrace.tracefs.pid_namespace import own_proc
from ktrace.tracefs.processes import open_files

Failures = list[tuple[Probe, KtraceError]]

_PERF = frozenset({"anon_inode:[perf_event]", "anon_inode:bpf-perf-event", "anon_inode:bpf_link"})

# As the kernel prints it: `stacktrace:unlimited`, `stacktrace:count=3 if x > 5`.
_STACK = re.compile(r"stacktrace(?::(?:unlimited|count=(?P<count>\d{1,20})))?(?P<condition> if .*)?\Z")


def set_enabled(tracing: Files, probes: list[Probe], on: bool, *, between: Callable[[], None]) -> Failures:
    """Enable or disable events in the top buffer, with one write if they are a whole group.

    Args:
        between: called before each group. What it raises ends the work; every switch is put back.

    Returns:
        The probes that could not be switched, with the error.
    """
    failed: Failures = []
    other = {p.event for p in probes if enabled_state(tracing, p.event).startswith("0" if on else "1")}
    by_group: dict[str, list[Probe]] = {}
    for probe in probes:
        by_group.setdefault(probe.group, []).append(probe)
    switched: list[str] = []
    try:
        for group, members in by_group.items():
            between()
            switched.append(group)
            failed += _switch_group(tracing, group, members, on)
    except BaseException:
        for group in reversed(switched):
            _switch_group(tracing, group, [p for p in by_group[group] if p.event in other], not on)
        raise
    return failed


def _switch_group(tracing: Files, group: str, members: list[Probe], on: bool) -> Failures:
    value = "1" if on else "0"
    if len(members) > 1 and {p.name for p in members} == set(_events_of(tracing, group)):
        try:
            tracing.write(f"events/{group}/enable", value)
        except OSError:
            pass  # one of them is refused: find out which
        else:
            return []
    failed: Failures = []
    for probe in members:
        try:
            tracing.write(f"events/{probe.event}/enable", value)
        except OSError as error:
            failed.append((probe, _switch_problem(probe, on, error)))
    return failed


def remove_probes(tracing: Files, probes: list[Probe], *, between: Callable[[], None]) -> Failures:
    """Remove probes. They are disabled together first, because each write costs a grace period.

    Args:
        between: called before each removal. What it raises ends the work; the rest is put back.

    Returns:
        The probes that could not be removed, with the error. Each is as it was before.
    """
    on = [p for p in probes if enabled_state(tracing, p.event).startswith("1")]
    left = {p.event: p for p in on}
    failed: Failures = []
    try:
        set_enabled(tracing, on, False, between=between)
        for probe in probes:
            between()
            try:
                remove_probe(tracing, probe, was_on=probe.event in left)
            except KtraceError as error:
                failed.append((probe, error))
            left.pop(probe.event, None)
    except BaseException:
        set_enabled(tracing, list(left.values()), True, between=lambda: None)
        raise
    return failed


def remove_probe(tracing: Files, probe: Probe, *, was_on: bool | None = None) -> None:
    """Disable one event in the top buffer and remove it. If that fails, it is as it was before.

    Args:
        was_on: whether to enable it again if the removal fails; None asks the kernel.

    Raises:
        Busy: it is in use; the error says by whom.
        NotFound: it was removed already.
    """
    is_on = enabled_state(tracing, probe.event).startswith("1")
    was_on = is_on if was_on is None else was_on
    stacks = [m for t in _triggers(tracing, probe.event) if (m := _STACK.match(t))]
    try:
        for _ in stacks:
            tracing.write(f"events/{probe.event}/trigger", "!stacktrace")
        if is_on:
            tracing.write(f"events/{probe.event}/enable", "0")
        dynevents.remove(tracing, probe)
    except (OSError, Refused) as error:
        _restore(tracing, probe, stacks, was_on)
        if error.errno in (errno.ENOENT, errno.ENODEV):
            raise NotFound(f"{probe.event} has gone already") from error
        if error.errno == errno.EBUSY:
            raise busy(tracing, probe) from error
        if isinstance(error, Refused):
            raise
        raise Refused(f"{probe.event}: {error.strerror}", errno=error.errno) from error


def busy(tracing: Files, probe: Probe) -> Busy:
    """Return the error for an event in use: who holds it, as far as is known."""
    return Busy(
        f"{probe.event} is in use by {busy_reasons(tracing, probe.event)}",
        hint="end what uses it, then try again; `ktrace clean` removes what dead ktrace sessions left",
    )


def busy_reasons(tracing: Files, event: str) -> str:
    """List the buffers, triggers, events or programs that hold an event, separated by semicolons."""
    reasons = [
        f"the top buffer (ktrace disable {event})" if name == "top" else f"instance {name}"
        for name in holders(tracing, event)
    ]
    reasons += [f"a trigger of {other}" for other in trigger_mentions(tracing, event)]
    with suppress(KtraceError, OSError):
        reasons += [
            f"the event probe {probe.event} (ktrace remove {probe.event})"
            for probe in dynevents.list_probes(tracing)[0]
            if isinstance(probe.place, EventPlace) and f"{probe.place.system}/{probe.place.event}" == event
        ]
    if not reasons:
        programs = perf_users(own_proc(tracing.host))
        reasons = [f"perhaps {name} (pid {pid}), which has perf events open" for pid, name in programs]
    return "; ".join(reasons) or "nobody that can be seen: a program through perf or BPF"


def perf_users(proc: Files) -> list[tuple[int, str]]:
    """Return processes with open perf events or BPF links, which can hold an event without tracefs."""
    return [(one.pid, one.comm) for one in open_files(proc) if _PERF.intersection(one.targets)]


def _restore(tracing: Files, probe: Probe, stacks: list[re.Match[str]], was_on: bool) -> None:
    """Put switch and triggers back after a refused removal."""
    try:
        if was_on:
            tracing.write(f"events/{probe.event}/enable", "1")
        for stack in stacks:
            count = f":{stack['count']}" if stack["count"] else ""  # not the form that is printed
            tracing.write(f"events/{probe.event}/trigger", f"stacktrace{count}{stack['condition'] or ''}")
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENODEV, errno.EEXIST):
            raise


def _triggers(tracing: Files, event: str) -> list[str]:
    try:
        return read_triggers(tracing, event)
    except OSError:
        return []


def _events_of(tracing: Files, group: str) -> list[str]:
    try:
        return [n for n in tracing.list(f"events/{group}") if tracing.is_dir(f"events/{group}/{n}")]
    except OSError:
        return []


def _switch_problem(probe: Probe, on: bool, error: OSError) -> KtraceError:
    if error.errno in (errno.ENOENT, errno.ENODEV):
        return NotFound(f"{probe.event} has gone")
    hint = None
    if error.errno == errno.EACCES:
        hint = f"its files belong to the owner of tracefs, whatever group may define it\n{without_root()}"
    if error.errno == errno.EINVAL and on:
        hint = "dmesg says why; a probe in a module's init code goes when the module is loaded"
    return Refused(
        f"{probe.event} cannot be switched {'on' if on else 'off'}: {error.strerror}",
        errno=error.errno,
        hint=hint,
    )
