"""Facts: each is one thing that was checked, its status, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "bad", "unknown"]


# Ends the advice where this kernel itself is the obstacle.
OR_VM = "or try `ktrace vm`"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact about this machine.

    Attributes:
        name: the kernel's name for it: a file, a sysctl, a configuration option.
        status: `bad` means that kprobes cannot be used because of it; `warn`, that something is
            missing or surprising; `unknown`, that it could not be determined.
        value: what was found, or why nothing could be found.
        advice: what to do about it; empty if there is nothing to do.
    """

    name: str
    status: Status
    value: str
    advice: str = ""


def usable(facts: Iterable[Fact]) -> bool:
    """Return whether kprobes can be used, because no fact is `bad`."""
    return all(fact.status != "bad" for fact in facts)
