"""What a running script has beside its variables."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ktrace.diagnostic import visible
from ktrace.script.language.limits import Limits


@dataclass(slots=True)
class State:
    """One run.

    Attributes:
        limits: SystemTap's.
        out: text that is to be printed, a character a byte.
        shown: makes text safe to print, where a terminal shows it.
        warn: takes warnings and errors for standard error.
        exiting: `exit()` was called.
        status: exit code that the script asked for.
        target: of `target()`: the process of -c or -x.
        now: nanoseconds of the clock that events have.
        wall_offset: what makes nanoseconds since 1970 of them.
        run_commands: whether `system()` may run anything.
        symbol: the name and offset of a kernel address; None of one that is not known.
        user_symbol: what an address of a process is, and where: of `(pid, address)`; None of an unknown one.
        syscalls: names of system calls by their numbers.
        arguments: of the script.
        commands: processes that `system()` started.
    """

    limits: Limits = field(default_factory=Limits)
    out: list[str] = field(default_factory=list)
    shown: Callable[[str], str] = str
    warn: Callable[[str], None] = lambda _: None
    exiting: bool = False
    status: int = 0
    target: int = 0
    now: Callable[[], int] = lambda: 0
    wall_offset: int = 0
    run_commands: bool = False
    symbol: Callable[[int], tuple[str, int, str | None] | None] = lambda _: None
    user_symbol: Callable[[int, int], tuple[str, str] | None] = lambda _pid, _address: None
    syscalls: Mapping[int, str] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    commands: list[int] = field(default_factory=list)
    own: Mapping[str, int | str] = field(
        default_factory=lambda: {"pid": os.getpid(), "tid": os.getpid(), "comm": "ktrace", "cpu": 0}
    )


def terminal_text(text: str) -> str:
    """Text with a character a byte, made visible but for its lines and tabs."""
    if text.isascii() and text.isprintable():
        return text
    lines = ("\t".join(map(visible, line.split("\t"))) for line in python_text(text).split("\n"))
    return bytes_text("\n".join(lines))


def bytes_text(text: str) -> str:
    """Text with a character a byte, from Python's own with surrogates for bytes that are not UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def python_text(text: str) -> str:
    """The way back."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")
