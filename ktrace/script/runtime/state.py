"""The state of a running script, apart from its variables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import NamedTuple

from ktrace.diagnostic import visible
from ktrace.host.host import Host
from ktrace.host.local import LocalHost
from ktrace.records import dataclass
from ktrace.script.language.limits import Limits
from ktrace.script.runtime.tasks import Tasks


class KernelSymbol(NamedTuple):
    """The symbol that holds an address of the kernel.

    Attributes:
        offset: the distance in bytes of the address from the symbol's start.
        size: the size of the symbol in bytes.
        module: None for the kernel image.
    """

    name: str
    offset: int
    size: int
    module: str | None


@dataclass(slots=True)
class ServedValue:
    """`$value` of what a script serves.

    Attributes:
        value: the text, one character for each byte.
        most: the most bytes that it may have; None for no limit.
    """

    value: str = ""
    most: int | None = None


@dataclass(slots=True)
class State:
    """The state of one run.

    Attributes:
        limits: SystemTap's limits.
        host: the machine that the script observes, and where `system()` starts programs.
        out: the text to print, one character for each byte.
        shown: escapes text for output on a terminal.
        warn: prints a warning or an error to standard error.
        exiting: whether `exit()` was called.
        status: the exit code that the script asked for.
        target: the process of -c or -x, for `target()`.
        now: returns the time in nanoseconds, on the events' clock.
        wall_offset: the offset from the events' clock to nanoseconds since 1970.
        run_commands: whether `system()` may run commands.
        symbol: returns the symbol that holds a kernel address; None if the address is unknown.
        source_line: returns file and line of the place of a kernel symbol; None if they are unknown.
        user_symbol: returns the symbol and place of `(pid, address)`; None if it is unknown.
        syscalls: the names of system calls, by number.
        arguments: the script's arguments.
        commands: the processes that `system()` started.
        without_entry: the number of returns whose entry was not seen: their handlers did not run.
        tasks: what the run has seen of tasks.
        next_file: goes on with the next output file.
        served: `$value` of the file that is read or written now.
        own: the event data of handlers that no event calls, such as those of timers.
    """

    limits: Limits = field(default_factory=Limits)
    host: Host = field(default_factory=LocalHost)
    out: list[str] = field(default_factory=list)
    shown: Callable[[str], str] = str
    warn: Callable[[str], None] = lambda _: None
    exiting: bool = False
    status: int = 0
    target: int = 0
    now: Callable[[], int] = lambda: 0
    wall_offset: int = 0
    run_commands: bool = False
    symbol: Callable[[int], KernelSymbol | None] = lambda _: None
    source_line: Callable[[KernelSymbol], tuple[str, int] | None] = lambda _: None
    user_symbol: Callable[[int, int], tuple[str, str] | None] = lambda _pid, _address: None
    syscalls: Mapping[int, str] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    commands: list[int] = field(default_factory=list)
    without_entry: int = 0
    tasks: Tasks = field(default_factory=Tasks)
    next_file: Callable[[], None] = lambda: None
    served: ServedValue = field(default_factory=ServedValue)
    own: Mapping[str, int | str] = field(init=False)

    def __post_init__(self) -> None:
        own = self.host.pid()
        self.own = {"pid": own, "tid": own, "comm": "ktrace", "cpu": 0}

    def no_entry(self) -> None:
        """Count a return whose entry was not seen."""
        self.without_entry += 1


class _Unread(str):
    """Text, so that it is not the same object as any other empty text."""

    __slots__ = ()


UNREAD = _Unread()
"""The empty text in place of memory that the kernel could not read. Functions tell it by its identity."""


def terminal_text(text: str) -> str:
    """Escape control characters in Latin-1 text, except newlines and tabs."""
    if text.isascii() and text.isprintable():
        return text
    lines = ("\t".join(map(visible, line.split("\t"))) for line in python_text(text).split("\n"))
    return bytes_text("\n".join(lines))


def bytes_text(text: str) -> str:
    """Convert Python text, with surrogates for bytes that are not UTF-8, to Latin-1 text."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def python_text(text: str) -> str:
    """Convert Latin-1 text back to Python text."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")
