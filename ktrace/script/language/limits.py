"""SystemTap's limits, with SystemTap's names."""

from collections.abc import Iterable
from dataclasses import fields

from ktrace.errors import UsageError
from ktrace.records import dataclass

# Settings of the kernel module that SystemTap compiles. ktrace compiles none and ignores them.
_OTHERS = (
    "MAXSKIPPED",
    "MINSTACKSPACE",
    "MAXUPROBES",
    "MAXTRYLOCK",
    "TRYLOCK",
    "INTERRUPTIBLE",
    "KRETACTIVE",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that the user sets with `-D NAME=VALUE`.

    Attributes:
        MAXACTION: statements in loops and functions that may run for one event.
        MAXACTION_INTERRUPTIBLE: the same for begin, end, error and timer probes.
        MAXMAPENTRIES: elements of an array that has no declared size.
        MAXSTRINGLEN: size of a string in bytes, including the terminating NUL.
        MAXERRORS: errors allowed before the script ends.
        MAXNESTING: depth of nested function calls.
        HIST_ELISION: empty buckets shown on either side of filled ones; a negative value shows all.
        MAXTRACE: frames of a backtrace.
    """

    MAXACTION: int = 1000
    MAXACTION_INTERRUPTIBLE: int = 10000
    MAXMAPENTRIES: int = 2048
    MAXSTRINGLEN: int = 512
    MAXERRORS: int = 0
    MAXNESTING: int = 30
    HIST_ELISION: int = 2
    MAXTRACE: int = 32

    @classmethod
    def of(cls, settings: Iterable[str]) -> "Limits":
        """Parse `NAME=VALUE` words. Raises UsageError for an unknown name or a bad value."""
        known = {one.name for one in fields(cls)}
        found: dict[str, int] = {}
        for word in settings:
            name, _, value = word.partition("=")
            if name.startswith(("STP_", *_OTHERS)):
                continue
            if name not in known:
                raise UsageError(f"there is no setting '{name}'", hint=" ".join(sorted(known)))
            try:
                found[name] = int(value, 0)
            except ValueError:
                raise UsageError(f"{name}={value}: a number is expected here") from None
            if name != "HIST_ELISION" and found[name] < (0 if name == "MAXERRORS" else 1):
                raise UsageError(f"{name}={value}: too small")
        if "MAXACTION" in found:
            found.setdefault("MAXACTION_INTERRUPTIBLE", found["MAXACTION"] * 10)
        return cls(**found)
