"""The places and times at which a script's handlers run. `points` reads them from probe points.

A run needs them, so this module imports nothing of the compiler.
"""

from typing import Literal, TypeAlias

from ktrace.records import dataclass

UMASK = 0o077
"""The umask of files that a script serves, if it sets no other."""

Moment = Literal["begin", "end", "error", "never", "oneshot"]


@dataclass(frozen=True, slots=True)
class AtMoment:
    """`begin`, `end(5)`, `error`. Probes with a smaller `order` run first."""

    moment: Moment
    order: int = 0


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer that fires every `every_ns` nanoseconds, plus or minus `random_ns`."""

    every_ns: int
    random_ns: int = 0


@dataclass(frozen=True, slots=True)
class AtFunction:
    """A function's entry or return, or a place inside the function.

    Attributes:
        pattern: the function's name, possibly with wildcards.
        module: pattern of the module's name; None for the kernel image.
        place: the file after the `@`.
        lines: of the file: `474`, `474-480,490` or `*` for all of the function; `+12` counts from the
            function's declaration. Empty for the function itself.
        nearest: whether the next line with code is meant if the line has none.
        absolute: an address, used instead of a function.
    """

    pattern: str
    at_return: bool = False
    module: str | None = None
    place: str | None = None
    lines: str = ""
    nearest: bool = False
    maxactive: int = 0
    statement: bool = False
    inline: bool = False
    absolute: int | None = None

    @property
    def is_pattern(self) -> bool:
        """Return whether the function or module name has wildcards."""
        return any(ch in self.pattern + (self.module or "") for ch in "*?[")


@dataclass(frozen=True, slots=True)
class AtEvent:
    """`kernel.trace("sched:sched_switch")`; `system` is None for any system."""

    system: str | None
    pattern: str

    @property
    def is_pattern(self) -> bool:
        """Return whether the name of the event or of its system has wildcards."""
        return any(ch in self.pattern + (self.system or "") for ch in "*?[")


@dataclass(frozen=True, slots=True)
class AtSyscall:
    """A system call, by name."""

    name: str
    at_return: bool = False
    maxactive: int = 0


@dataclass(frozen=True, slots=True)
class Served:
    """A file that a script serves.

    Attributes:
        path: the file's name below the folder of the run; may have folders in it.
        does: what others do with it: read or write.
        umask: the bits that are removed from the file's mode, which is then 0444 or 0222.
        maxsize: the most bytes of `$value`; None for MAXSTRINGLEN.
    """

    path: str
    does: Literal["read", "write"]
    umask: int = UMASK
    maxsize: int | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """Standard input: a handler's call for each line, or for each character."""

    unit: Literal["char", "line"]


@dataclass(frozen=True, slots=True)
class Profile:
    """`timer.profile`: 100 samples a second of each processor."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A hardware watchpoint on memory of the kernel.

    Attributes:
        place: a variable's name, or an address.
        length: the bytes that are watched.
        reads: whether reads count, too.
    """

    place: str | int
    length: int = 8
    reads: bool = False


@dataclass(frozen=True, slots=True)
class PerfEvent:
    """A perf event that is sampled on every processor.

    Attributes:
        type, config: the event, as in `struct perf_event_attr`.
        period: the number of events between two samples.
        hz: the samples a second to aim for, in place of a period; 0 for none.
    """

    type: int
    config: int
    period: int = 1_000_000
    hz: int = 0


Sampled: TypeAlias = Profile | Watch | PerfEvent
"""Sites of perf events."""

OwnSite: TypeAlias = AtMoment | Timer | Served | Input | Profile | Watch | PerfEvent
"""Sites that ktrace itself runs the handlers of; no event of the kernel calls them."""

Site: TypeAlias = OwnSite | AtFunction | AtEvent | AtSyscall
