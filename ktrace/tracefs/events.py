"""`events/`: the directory of each event, its format, filter, trigger and switch.

See Documentation/trace/events.rst. `files` may be the tracing directory or an instance's.
"""

import fnmatch
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ktrace.errors import NotFound, Refused
from ktrace.model.names import is_glob
from ktrace.model.plan import Step
from ktrace.tracefs.dynevents import refusal
from ktrace.tracefs.files import Files
from ktrace.tracefs.instances import Owner

if TYPE_CHECKING:
    from ktrace.model.format import Format

_STACK = "stacktrace"  # the trigger


def read_format(files: Files, event: str) -> "Format":
    """Return the format of `GROUP/NAME`. Raises NotFound if there is no such event."""
    from ktrace.model.format import parse_format  # noqa: PLC0415 -- only to read formats

    group = event.partition("/")[0]
    try:
        return parse_format(files.read(f"events/{event}/format"), group)
    except FileNotFoundError:
        raise NotFound(f"there is no event {event}", hint="`ktrace list` shows the existing probes") from None


def has_call_texts(files: Files) -> bool:
    """Return whether the kernel records strings that system call arguments point to, such as file names."""
    try:
        return "__filename_val" in files.read("events/syscalls/sys_enter_openat/format")
    except OSError:
        return False


def is_event(files: Files, name: str) -> bool:
    """Return whether `GROUP/NAME` is an event."""
    return name.count("/") == 1 and files.exists(f"events/{name}/enable") and ".." not in name


def find_static(files: Files, name: str) -> list[str]:
    """Return events of any kind that match `SYSTEM:EVENT` or `SYSTEM/EVENT`, as `SYSTEM/EVENT`.

    Wildcards are allowed; for the system they do not match the private groups of ktrace sessions.
    """
    system, _, event = name.replace(":", "/", 1).partition("/")
    if not event or ".." in name:
        return []
    if not is_glob(name):
        return [f"{system}/{event}"] if is_event(files, f"{system}/{event}") else []
    found = []
    for group in fnmatch.filter(files.list("events"), system):
        if files.is_dir(f"events/{group}") and (group == system or Owner.of_name(group) is None):
            found += [
                f"{group}/{name}"
                for name in fnmatch.filter(files.list(f"events/{group}"), event)
                if files.is_dir(f"events/{group}/{name}")
            ]
    return found


def all_events(files: Files) -> Iterator[str]:
    """Yield every event as `SYSTEM/EVENT`."""
    for system in files.list("events"):
        if files.is_dir(f"events/{system}"):
            for event in files.list(f"events/{system}"):
                if files.is_dir(f"events/{system}/{event}"):
                    yield f"{system}/{event}"


def enabled_state(files: Files, event: str) -> str:
    """Return `0` or `1`, followed by `*` if a trigger uses the event; empty if the event is gone."""
    try:
        return files.read(f"events/{event}/enable").strip()
    except OSError:
        return ""


def read_filter(files: Files, event: str) -> str:
    """Return the filter as written, or `none`."""
    return files.read(f"events/{event}/filter").strip()


def read_triggers(files: Files, event: str) -> list[str]:
    """Return the triggers, newest first, each as the kernel prints it."""
    lines = files.read(f"events/{event}/trigger").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def enable_step(event: str, why: str = "") -> Step:
    """Return the step that enables an event, or with `GROUP` all events of a group; its undo disables it."""
    path = f"events/{event}/enable"
    undo = Step(path, "0", f"switch {event} off", action="write")
    return Step(path, "1", why or f"switch {event} on", undo, action="write")


def stack_step(event: str) -> Step:
    """Return the step that records the kernel stack at each hit; its undo removes the trigger."""
    path = f"events/{event}/trigger"
    undo = Step(path, "!" + _STACK, f"no more stacks at {event}")
    return Step(path, _STACK, "the kernel stack at each hit", undo)


def filter_step(event: str, expression: str) -> Step:
    """Return the step that sets a filter; its undo removes it."""
    path = f"events/{event}/filter"
    undo = Step(path, "0", f"remove the filter of {event}", action="write")
    return Step(path, expression, f"only where {expression}", undo, action="write")


def set_filter(files: Files, event: str, expression: str) -> None:
    """Write a filter.

    When the kernel refuses a filter, it also drops the previous one, which is then restored.

    Raises:
        Refused: has the kernel's message and the caret in the expression.
    """
    path = f"events/{event}/filter"
    before = read_filter(files, event)
    started = time.monotonic_ns()
    try:
        files.write(path, expression)
    except OSError as error:
        refused = _filter_refusal(files, path, expression, error, started)
        files.write(path, "0" if before == "none" else before)
        raise refused from error


def _filter_refusal(files: Files, path: str, expression: str, error: OSError, started: int) -> Refused:
    """Return the message from error_log or the filter file: the errno of a bad filter says nothing."""
    refused = _at_the_name(refusal(files, expression, error, since=started))
    if refused.caret is None:
        text = files.read(path)
        _, found, reason = text.partition("parse_error: ")
        if found:
            caret_line = next((line for line in text.splitlines() if line.strip() == "^"), "")
            return Refused(
                reason.strip(), errno=error.errno, excerpt=expression, caret=max(caret_line.find("^"), 0)
            )
    return refused


def _at_the_name(refused: Refused) -> Refused:
    """Move the caret to the name of an unknown field: the kernel points after it."""
    if "Field not found" not in refused.message or refused.excerpt is None:
        return refused
    name = re.search(r"[\w.]+\s*\Z", refused.excerpt[: refused.caret])
    if name is None:
        return refused
    return Refused(refused.message, errno=refused.errno, excerpt=refused.excerpt, caret=name.start())
