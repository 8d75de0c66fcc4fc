"""Fact: one thing that was looked at, how it stands, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "bad", "unknown"]


# What the advice ends with where this kernel itself is in the way.
OR_VM = "or try `ktrace vm`"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing about this machine.

    Attributes:
        name: the kernel's word for it: a file, a sysctl, an option of the configuration.
        status: `bad` means that kprobes cannot be used because of it; `warn`, that something is
            missing, or will surprise; `unknown`, that it could not be found out.
        value: what was found, or why nothing was.
        advice: what to do about it; empty where there is nothing to do.
    """

    name: str
    status: Status
    value: str
    advice: str = ""


def usable(facts: Iterable[Fact]) -> bool:
    """Whether kprobes can be used: nothing is in the way."""
    return all(fact.status != "bad" for fact in facts)
