"""The interface through which scripts ask about a kernel. `script.driver` implements it."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from ktrace.records import dataclass
from ktrace.script.language.sites import AtEvent, AtFunction, AtSyscall

Form = Literal["signed", "unsigned", "pointer", "text", "record", "array", "other"]
As = Literal["number", "string", "ustring", "path", "s8", "s16", "s32", "s64", "u8", "u16", "u32", "u64"]


@dataclass(frozen=True, slots=True)
class Read:
    """A value that a probe reads.

    Attributes:
        text: an expression as in `ktrace add`; `->` may also be used for the members of a struct.
        kind: how to read the value; a `number` is read with its own type.
    """

    text: str
    kind: As = "number"


TASK_NAME = Read("$comm", "string")
"""The task's name at the time of the hit. For other events, only the kernel's saved name is known."""

RETURNED = Read("$retval")
"""The function's return value, for script functions that use it."""


@dataclass(frozen=True, slots=True)
class Found:
    """An event that a probe point matches.

    Attributes:
        event: the event's name without its group, unique within the script.
        function: the function; for an event, the event's name.
        module: the function's module; None for the kernel image.
        point: the probe point as `pp()` returns it.
        columns: the batch column of each `Read`; text columns are `Strings`.
        key: identifies the event to the `Machine` that found it.
        types: the kernel's type name of each column, such as `u32`; empty if unknown.
        system: the event's system or group; empty if its name alone tells it.
    """

    event: str
    function: str
    module: str | None
    point: str
    columns: tuple[str, ...]
    key: int
    types: tuple[str, ...] = ()
    system: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """The form in which to print a variable or a member.

    Attributes:
        name: the member's name.
        members: the members of a struct or union, or of the one pointed to; empty if only `form` is needed.
        stored: whether the value itself is in the event's record, not what a tracepoint passes on.
    """

    form: Form
    name: str = ""
    members: "tuple[Shape, ...]" = ()
    stored: bool = False


class Machine(Protocol):
    """A kernel that can be probed."""

    def find(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> Sequence[Found]:
        """Find the events of a probe point, with the columns to read.

        Raises:
            KtraceError: the site does not exist, or a value cannot be read there.
        """

    def readable(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> bool:
        """Return whether all of `reads` can be read at the site."""

    def exists(self, site: AtFunction | AtEvent | AtSyscall) -> bool:
        """Return whether the site exists. Always looks it up."""

    def parameters(self, site: AtFunction | AtEvent | AtSyscall, also: Sequence[Read] = ()) -> Sequence[str]:
        """Return the names of a place's parameters. Raises KtraceError if they are unknown.

        Args:
            also: what else is read there: an event has fields, or arguments of its tracepoint, not both.
        """

    def shape(self, site: AtFunction | AtEvent | AtSyscall, name: str, path: Sequence[str]) -> Shape | None:
        """Return how to print a parameter, or `return`, or the member at `path` from it.

        Return None if its type is unknown.
        """

    def layout(self, type_name: str, module: str | None, path: Sequence[str | int]) -> tuple[int, int]:
        """Return the offset and the size in bytes of a member of a type, or of the type itself.

        Raises:
            NotFound: there is no such type or member.
        """

    def shape_in(self, type_name: str, module: str | None, path: Sequence[str]) -> Shape | None:
        """Return how to print a type, or the member at `path` from it; None if it is unknown."""

    def variable_shape(self, name: str, module: str | None, path: Sequence[str]) -> Shape | None:
        """Return how to print a global variable, or the member at `path` from it; None if it is unknown."""

    def functions(self, site: AtFunction | AtEvent) -> Sequence[tuple[str, str | None]]:
        """Return the functions that match a pattern, with their modules, or the events as `SYSTEM:NAME`.

        Raises KtraceError for none.
        """

    def syscalls(self) -> Mapping[int, str]:
        """Return the names of system calls, by number."""
