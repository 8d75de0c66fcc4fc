"""Set up an instance's buffer: clock, options, size, and the tasks and CPUs that it records.

See Documentation/trace/ftrace.rst, "trace_options", "trace_clock", "set_event_pid", "tracing_cpumask".
"""

import os
import re
from collections.abc import Iterable

from ktrace.errors import NotFound, Refused, UsageError
from ktrace.host.host import Host
from ktrace.model.plan import Step
from ktrace.tracefs.files import Files, reading

# The options that the text reader relies on. A new instance has the top buffer's options.
_TEXT_OPTIONS = {
    "context-info": True,
    "irq-info": True,
    "record-cmd": True,
    "overwrite": True,
    "annotate": False,
    "latency-format": False,
    "verbose": False,
    "raw": False,
    "hex": False,
    "bin": False,
    "fields": False,
    "sym-addr": False,
    "sym-offset": False,
    "record-tgid": False,
    "event-fork": False,
}

# Preferred first: a clock that is the same on all CPUs and known to user space (CLOCK_MONOTONIC).
_CLOCKS = ("mono", "global", "local")

# Documentation/trace/ftrace.rst, "trace_clock": the clocks that do not count nanoseconds.
_TICKING = frozenset({"counter", "uptime", "x86-tsc", "ppc-tb"})

_ONLINE = "/sys/devices/system/cpu/online"


def option_steps(files: Files, wanted: dict[str, bool] | None = None) -> list[Step]:
    """Return steps for the options of an instance that differ from those the text reader relies on."""
    present = set(files.read("trace_options").split())
    steps = []
    for name, on in {**_TEXT_OPTIONS, **(wanted or {})}.items():
        if (f"no{name}" if on else name) in present:
            steps.append(
                Step("trace_options", name if on else f"no{name}", f"option {name} {'on' if on else 'off'}")
            )
    return steps


def clock_step(files: Files, clock: str | None = None) -> Step:
    """Return the step that sets the trace clock: `clock`, or the best one available.

    Raises:
        UsageError: the kernel has no such clock; the message lists those that it has.
    """
    known = files.read("trace_clock").replace("[", "").replace("]", "").split()
    if clock is not None and clock not in known:
        raise UsageError(f"this kernel has no trace clock '{clock}'", hint="it has " + " ".join(known))
    chosen = clock or next(c for c in (*_CLOCKS, *known) if c in known)
    return Step("trace_clock", chosen, f"time stamps of clock {chosen}", action="write")


def counts_ticks(files: Files) -> bool:
    """Return whether the instance's clock counts something other than nanoseconds."""
    chosen = re.search(r"\[([^\]]+)\]", files.read("trace_clock"))
    return chosen is not None and chosen[1] in _TICKING


def wake_step(files: Files) -> Step | None:
    """Return a step that wakes readers of pages at every event; None if the kernel has no such setting."""
    if not files.exists("buffer_percent"):
        return None
    return Step("buffer_percent", "0", "wake readers at once", action="write")


def own_threads(host: Host) -> list[int]:
    """Return the thread ids of the process that acts on the machine: this one, if that is here."""
    return sorted(map(int, host.list("/proc/self/task")))


def ignore_pids(files: Files, pids: Iterable[int]) -> bool:
    """Never record these thread ids. Returns False if the kernel has no such filter (before 5.8)."""
    if not files.exists("set_event_notrace_pid"):
        return False
    files.write("set_event_notrace_pid", " ".join(map(str, pids)))
    return True


def only_pids(files: Files, pids: Iterable[int]) -> None:
    """Record only these thread ids, in addition to those set before."""
    files.write("set_event_pid", " ".join(map(str, pids)))


def only_cpus(files: Files, cpus: Iterable[int]) -> None:
    """Record only on these CPUs. Raises Refused if one does not exist."""
    mask = sum(1 << cpu for cpu in set(cpus))
    words = f"{mask:x}"
    # Groups of 32 bits are separated by commas, most significant first.
    groups = [words[max(i - 8, 0) : i] for i in range(len(words), 0, -8)]
    try:
        files.write("tracing_cpumask", ",".join(reversed(groups)))
    except OSError as error:
        online = files.host.sysconf("SC_NPROCESSORS_ONLN")
        raise Refused(
            f"the kernel does not accept these CPUs: {error.strerror}",
            errno=error.errno,
            hint=f"this machine has CPUs 0 to {online - 1}",
        ) from error


def check_online(host: Host, cpus: Iterable[int]) -> None:
    """Raise NotFound if one of these CPUs is offline: the kernel accepts it, but no events come from it."""
    try:
        text = host.read(_ONLINE).strip()
    except OSError:
        return  # the list of online CPUs cannot be read
    pairs = [part.partition("-") for part in text.split(",") if part]
    online = {cpu for low, _, high in pairs for cpu in range(int(low), int(high or low) + 1)}
    offline = sorted(set(cpus) - online)
    if offline:
        raise NotFound(f"CPU {offline[0]} is not online: no event can come from it", hint=f"online: {text}")


def size_step(kilobytes: int) -> Step:
    """Return the step that sets the size of each CPU's buffer."""
    return Step("buffer_size_kb", str(kilobytes), f"{kilobytes} KiB for each CPU", action="write")


def wake_at(files: Files, percent: int) -> bool:
    """Let poll(2) on raw pipes return when the buffer is `percent` full; False before 5.0, which cannot."""
    if not files.exists("buffer_percent"):
        return False
    files.write("buffer_percent", str(percent))
    return True


def switch_recording(files: Files, on: bool) -> None:
    """Switch recording into the buffer on or off."""
    files.write("tracing_on", "1" if on else "0")


def recording(files: Files) -> bool:
    """Return whether the buffer records events."""
    return files.read("tracing_on").strip() == "1"


def snapshot_is_freed(files: Files) -> bool:
    """Return whether the kernel uses no memory for a snapshot."""
    try:
        with reading(files, "snapshot") as fd:
            return b"Snapshot is freed" in os.read(fd, 4096)
    except OSError:
        return False
