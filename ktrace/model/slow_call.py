"""Slow calls."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Slow:
    """One call that took long.

    Attributes:
        ts: its end, in nanoseconds of the trace clock.
        latency_ns: how long it took.
        args: the requested values, by name; `$retval` is the return value.
        frames: the kernel's stack, innermost first.
    """

    ts: int
    cpu: int
    pid: int
    comm: str
    latency_ns: int
    args: dict[str, int | str] = field(default_factory=dict)
    frames: list[str] = field(default_factory=list)
