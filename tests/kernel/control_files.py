"""The control files below the tracing directory that ktrace could change, and what is in them.

Left out are those that change by themselves: counts, records, names of tasks, and the log of errors.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

# Of a buffer, the top one or an instance's.
_BUFFER = (
    "buffer_percent", "buffer_subbuf_size_kb", "current_tracer", "set_event",
    "set_event_pid", "set_event_notrace_pid", "set_ftrace_filter", "set_ftrace_notrace", "set_ftrace_pid",
    "set_ftrace_notrace_pid", "trace_clock", "trace_options", "tracing_cpumask", "tracing_on",
)  # fmt: skip
# Of the whole machine.
_SHARED = (
    "dynamic_events", "kprobe_events", "max_graph_depth", "saved_cmdlines_size", "set_graph_function",
    "set_graph_notrace", "stack_trace_filter", "synthetic_events", "tracing_thresh", "uprobe_events",
)  # fmt: skip
_OF_AN_EVENT = ("enable", "filter", "trigger")


def state(tracing: Path, debugfs: Path) -> dict[str, str]:
    """Return the state that ktrace could leave or change, as far as it can be read quickly."""
    found = dict(_files(tracing, (*_SHARED, *_BUFFER)))
    found["instances"] = " ".join(sorted(p.name for p in (tracing / "instances").iterdir()))
    found["kprobes/list"] = "".join(sorted((debugfs / "kprobes/list").read_text().splitlines(True)))
    found["kprobes/enabled"] = (debugfs / "kprobes/enabled").read_text()
    return found


def whole_state(
    tracing: Path, debugfs: Path, instances: Sequence[str] = (), *, static: Sequence[str] | None = None
) -> dict[str, str]:
    """Return the same, every option, and every event's switch, filter and triggers, in these buffers.

    Args:
        static: of the kernel's own events only those of these systems; None: all, which takes seconds.
    """
    found = state(tracing, debugfs)
    functions = (tracing / "enabled_functions").read_text().splitlines()
    found["enabled_functions"] = " ".join(line.split()[0] for line in functions if line.strip())
    for prefix in ("", *(f"instances/{name}/" for name in instances)):
        buffer = tracing / prefix
        if prefix:
            found |= {prefix + name: text for name, text in _files(buffer, _BUFFER)}
        # Not in `state`: the top buffer has its size only from its first use on.
        found[f"{prefix}buffer_size_kb"] = (buffer / "buffer_size_kb").read_text()
        for path in sorted((buffer / "options").iterdir()):
            found[f"{prefix}options/{path.name}"] = path.read_text()
        for name, text in _events(f"{tracing}/{prefix}events", _skipped(tracing, static)):
            found[f"{prefix}events/{name}"] = text
        found[f"{prefix}snapshot"] = _snapshot(buffer / "snapshot")
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return a line for each file in which something else is now."""
    return [
        f"{name}: {before.get(name, '(not there)')!r} -> {after.get(name, '(not there)')!r}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def _files(buffer: Path, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        with suppress(OSError):  # not all kernels have all of them
            yield name, (buffer / name).read_text()


def _skipped(tracing: Path, static: Sequence[str] | None) -> frozenset[str]:
    """Return the systems of events that are not looked at."""
    if static is None:
        return frozenset()
    lines = (tracing / "dynamic_events").read_text().splitlines()
    dynamic = {line.partition(":")[2].partition("/")[0] for line in lines}
    return frozenset(
        {path.name for path in (tracing / "events").iterdir()} - dynamic - set(static) - {"synthetic"}
    )


def _events(folder: str, skipped: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield what differs from an event that nobody uses: there are thousands of files."""
    for system in sorted(os.listdir(folder)):  # noqa: PTH208 -- a Path for each of them takes seconds
        if system in skipped:
            continue
        try:
            names = sorted(os.listdir(f"{folder}/{system}"))  # noqa: PTH208 -- as above
        except NotADirectoryError:
            continue
        for name in names:
            for file in _OF_AN_EVENT:
                try:
                    fd = os.open(f"{folder}/{system}/{name}/{file}", os.O_RDONLY)
                except OSError:
                    continue
                try:
                    text = os.read(fd, 1 << 16)
                except OSError:
                    continue  # it has just gone
                finally:
                    os.close(fd)
                if text not in (b"0\n", b"none\n") and not text.startswith(b"# Available triggers:"):
                    yield f"{system}/{name}/{file}", text.decode()


def _snapshot(path: Path) -> str:
    """Return whether there is a buffer for a snapshot."""
    with suppress(OSError):
        text = path.read_text()
        return "allocated" if "is allocated" in text or "freed" not in text else "freed"
    return "none"
