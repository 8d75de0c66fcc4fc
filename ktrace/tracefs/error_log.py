"""`error_log`: the kernel's message about a command that it refused, with a caret.

See Documentation/trace/ftrace.rst, "error_log". Each entry is

    [ 1234.567890] trace_kprobe: error: Invalid register name
      Command: p:kprobes/x vfs_read a=%foo
                                      ^

The log keeps the last eight entries. All users share it, so it is never cleared. The entry for a command is
the newest one with that command's text that was written after the command.
"""

import re
from dataclasses import dataclass

from ktrace.tracefs.files import Files

_ENTRY = re.compile(
    r"^\[ *(?P<seconds>\d{1,10})\.(?P<micros>\d{6})\] "
    r"(?P<subsystem>[^\n]*?): error: (?P<text>[^\n]*)\n"
    r"  Command: (?P<command>[^\n]*)\n(?P<marker> *)\^",
    re.MULTILINE,  # looked for anywhere in a long line, it would take quadratic time
)
_MARKER_BASE = len("  Command: ")
_NS = 1_000_000_000
# The log uses local_clock(), which may differ from CLOCK_MONOTONIC by the boot time.
_CLOCK_SLACK_NS = 10 * _NS


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One refusal. `time` in ns of the kernel's local clock; `caret` in characters into `command`."""

    time: int
    subsystem: str
    text: str
    command: str
    caret: int


def parse_error_log(text: str) -> tuple[LogEntry, ...]:
    """Return all entries, oldest first."""
    return tuple(
        LogEntry(
            int(m["seconds"]) * _NS + int(m["micros"]) * 1000,
            m["subsystem"],
            m["text"],
            m["command"],
            len(m["marker"]) - _MARKER_BASE,
        )
        for m in _ENTRY.finditer(text)
    )


def find_entry(files: Files, command: str, since: int = 0) -> LogEntry | None:
    """Return the newest entry about `command` since `since` (ns, CLOCK_MONOTONIC), or None.

    The kernel joins the words of a definition with single blanks and drops comments.
    """
    try:
        entries = parse_error_log(files.read("error_log"))
    except OSError:
        return None
    wanted = " ".join(command.split())
    for entry in reversed(entries):
        if entry.time + _CLOCK_SLACK_NS < since:
            break
        if entry.command.strip() == wanted:
            return entry
    return None
