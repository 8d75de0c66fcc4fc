"""The metadata that a recording saves with its pages, so that another machine can read them."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress

from ktrace.host.host import Host
from ktrace.model.meaning import Names as ValueNames
from ktrace.model.meaning import meaning_of_names
from ktrace.session.clock_offsets import clock_offsets
from ktrace.session.session import Session
from ktrace.symbols.kallsyms import KALLSYMS, Kallsyms
from ktrace.tracedat.contents import CALL_TEXTS, CLOCKS, SHORT_FLAGS, VALUES, Contents, Options
from ktrace.tracefs.events import has_call_texts
from ktrace.tracefs.files import Files
from ktrace.tracefs.processes import comm_of, processes
from ktrace.version import __version__

# A name may contain a newline: a line without the usual start belongs to the name before it.
_NAME = re.compile(rb"^(\d{1,10}) (.*(?:\n(?!\d+ |\Z).*)*)$", re.MULTILINE)
_UNKNOWN = b"<...>"


def save_contents(
    session: Session, cpus: list[int], values: Mapping[str, Mapping[str, ValueNames]] | None = None
) -> Contents:
    """Return the metadata of a session whose events are known. It is read before anything is enabled.

    Args:
        values: by event and argument, how values read, which no format says.
    """
    files, tracing, host = session.files, session.tracing, session.host
    notes = _kernels_ways(files, tracing) + _saved_clocks(files) + _saved_values(values or {})
    system = host.uname()
    header_page = files.read("events/header_page")
    return Contents(
        version=6,
        order="little" if system.machine not in ("s390x", "ppc64") else "big",
        long_size=8,
        page_size=page_size(host, header_page),
        header_page=header_page,
        header_event=files.read("events/header_event"),
        ftrace_formats=tuple(_own_formats(tracing)),
        event_formats=tuple(
            (event.partition("/")[0], tracing.read(f"events/{event}/format"))
            for event in session.events
            if not event.startswith("ftrace/")
        ),
        kallsyms=_kallsyms(host),
        printk_formats=_read(tracing, "printk_formats"),
        options=Options(
            clock=_selected(files.read("trace_clock")),
            cpu_count=max(cpus, default=-1) + 1,
            uname=" ".join((system.sysname, system.nodename, system.release, system.machine)),
            written_by=f"ktrace {__version__}{notes}",
            trace_id=secrets.randbits(63) | 1,
        ),
    )


def _saved_clocks(files: Files) -> str:
    """Return how the trace clock relates to others, as a note; empty if that is not known."""
    offsets = clock_offsets(files)
    return CLOCKS + json.dumps(offsets, separators=(",", ":")) if offsets else ""


def _saved_values(values: Mapping[str, Mapping[str, ValueNames]]) -> str:
    """Return the meanings as a note in the file; empty if there are none."""
    told = {
        event: {name: meaning_of_names(one).to_json() for name, one in names.items() if one}
        for event, names in values.items()
    }
    return VALUES + json.dumps(told, separators=(",", ":")) if any(told.values()) else ""


def _kernels_ways(files: Files, tracing: Files) -> str:
    """Return notes on how this kernel prints facts that its records do not contain."""
    short = SHORT_FLAGS if _has_short_flags(files) else ""
    return short + (CALL_TEXTS if has_call_texts(tracing) else "")


def _has_short_flags(files: Files) -> bool:
    """Return whether this kernel prints no column for disabled migration, which its records do not show."""
    try:
        return "migrate-disable" not in files.read("trace")
    except OSError:
        return False


def page_size(host: Host, header_page: str) -> int:
    """Return the bytes of a sub-buffer, from the instance's `header_page`.

    >>> page_size(host, "\\tfield: char data;\\toffset:16;\\tsize:4080;\\tsigned:1;\\n")
    4096
    """
    match = re.search(r"char data;\s*offset:(\d{1,9});\s*size:(\d{1,9});", header_page)
    return int(match[1]) + int(match[2]) if match else host.sysconf("SC_PAGE_SIZE")


class Names:
    """Names of tasks, collected while recording, because the kernel remembers only a limited number."""

    def __init__(self) -> None:
        self._names: dict[bytes, bytes] = {}
        self._last = b""

    def add(self, saved_cmdlines: bytes) -> bool:
        """Add the names that the kernel has saved. Return whether any was new."""
        if saved_cmdlines == self._last:
            return False
        self._last = saved_cmdlines
        changed = False
        for pid, name in _NAME.findall(saved_cmdlines):
            if name != _UNKNOWN and self._names.get(pid) != name:
                self._names[pid] = name
                changed = True
        return changed

    def add_living(self, proc: Files) -> None:
        """Add the names of existing tasks that the kernel has not saved: it saves them when they sleep."""
        with suppress(OSError):  # a /proc in which no process is found
            for number in processes(proc):
                pid = b"%d" % number
                if pid not in self._names and (comm := comm_of(proc, number)) is not None:
                    self._names[pid] = comm.encode("utf-8", "surrogateescape")

    def text(self) -> bytes:
        """Return all names in the format of `saved_cmdlines`."""
        return b"".join(b"%s %s\n" % pair for pair in self._names.items())


def _own_formats(tracing: Files) -> Iterator[str]:
    """Return the formats of the kernel's own events: stacks, markers, functions."""
    for name in tracing.list("events/ftrace"):
        with suppress(OSError):
            yield tracing.read(f"events/ftrace/{name}/format")


def _kallsyms(host: Host) -> bytes:
    """Return the symbols; empty if the kernel hides their addresses."""
    try:
        data = host.read_bytes(KALLSYMS)
    except OSError:
        return b""
    return b"" if Kallsyms(data).hidden else data


def _selected(trace_clock: str) -> str:
    match = re.search(r"\[(\S+)\]", trace_clock)
    return match[1] if match else "local"


def _read(files: Files, path: str) -> bytes:
    try:
        return files.read_bytes(path)
    except OSError:
        return b""
