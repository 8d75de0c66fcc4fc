"""Dynamic events: the files in which probes are defined, listed and removed.

See Documentation/trace/kprobetrace.rst. `kprobe_events` and `uprobe_events` have their own kind;
`dynamic_events` lists all kinds and accepts the others.
"""

import time
from typing import TYPE_CHECKING

from ktrace.errors import KtraceError, Refused, UsageError
from ktrace.model.place import FilePlace
from ktrace.model.plan import Step
from ktrace.model.probe import Probe
from ktrace.tracefs.files import Files

if TYPE_CHECKING:
    from ktrace.model.listing import SyntheticEvent


def control_file(probe: Probe) -> str:
    """Return the file that accepts this kind of definition."""
    if probe.kind in "pr":
        return "uprobe_events" if isinstance(probe.place, FilePlace) else "kprobe_events"
    return "dynamic_events"


def define_step(probe: Probe, why: str = "") -> Step:
    """Return the step that defines `probe`; its undo removes the event."""
    path = control_file(probe)
    place = probe.place.to_text()
    return Step(
        path,
        probe.to_line(),
        why or f"{'return from' if probe.is_return else 'call of'} {place}",
        undo=Step(path, probe.to_delete_line(), f"remove {probe.event}"),
    )


def define(files: Files, probe: Probe) -> None:
    """Write one definition.

    Raises:
        Refused: has the kernel's message and its caret, if there are any, and the errno.
    """
    line = probe.to_line()
    started = time.monotonic_ns()
    try:
        files.write(control_file(probe), line)
    except OSError as error:
        raise refusal(files, line, error, since=started, part=probe.filter) from error


def remove(files: Files, probe: Probe) -> None:
    """Remove all probe points of the event. Raises Refused (errno EBUSY while it is in use)."""
    line = probe.to_delete_line()
    started = time.monotonic_ns()
    try:
        files.write(control_file(probe), line)
    except OSError as error:
        raise refusal(files, line, error, since=started) from error


def remove_point(files: Files, probe: Probe) -> None:
    """Remove one of several probe points of an event. Raises Refused."""
    line = f"{probe.to_delete_line()} {probe.place.to_text()}"
    started = time.monotonic_ns()
    try:
        files.write(control_file(probe), line)
    except OSError as error:
        raise refusal(files, line, error, since=started) from error


def refusal(files: Files, command: str, error: OSError, *, since: int, part: str | None = None) -> Refused:
    """Return the kernel's message about `command`: from error_log, else the errno's text.

    Args:
        part: text in the command that the kernel may log on its own: the filter of an event probe.
    """
    from ktrace.tracefs.error_log import find_entry  # noqa: PLC0415 -- only to explain a failure

    entry = find_entry(files, command, since) or (find_entry(files, part, since) if part else None)
    if entry is None:
        return Refused(error.strerror or str(error), errno=error.errno, excerpt=command)
    return Refused(entry.text, errno=error.errno, excerpt=entry.command, caret=entry.caret)


def list_probes(files: Files) -> "tuple[list[Probe], list[SyntheticEvent]]":
    """Return every dynamic event, whoever made it, in the order of creation.

    An event with several probe points occurs once for each.
    """
    if files.exists("dynamic_events"):
        text = files.read("dynamic_events")
    else:
        text = "".join(files.read(f) for f in ("kprobe_events", "uprobe_events") if files.exists(f))
    probes: list[Probe] = []
    synthetic: list[SyntheticEvent] = []
    # Not splitlines(): a file's name may hold characters that Unicode treats as line ends.
    for line in text.split("\n"):
        if line.startswith("s:"):
            synthetic.append(_synthetic(line))
        elif line.strip():
            probes.append(_read_back(line))
    return probes, synthetic


def _synthetic(line: str) -> "SyntheticEvent":
    from ktrace.model.listing import SyntheticEvent  # noqa: PLC0415 -- few machines have any

    name, _, fields = line[2:].partition("\t")
    return SyntheticEvent(name.rpartition("/")[2], fields)


def _read_back(line: str) -> Probe:
    try:
        return Probe.from_line(line)
    except UsageError as error:
        raise KtraceError(
            "the kernel lists a dynamic event that ktrace cannot read",
            excerpt=line,
            caret=error.caret,
            hint="please report this line, with the kernel's version",
        ) from error
