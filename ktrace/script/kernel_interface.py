"""What a script needs of a kernel: the seam between this room and the session, joined in the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ktrace.script.language.points import AtEvent, AtFunction, AtSyscall

Form = Literal["signed", "unsigned", "pointer", "text", "record", "array", "other"]
As = Literal["number", "string", "ustring", "path", "s8", "s16", "s32", "s64", "u8", "u16", "u32", "u64"]


@dataclass(frozen=True, slots=True)
class Read:
    """What a probe is to read.

    Attributes:
        text: an expression as `ktrace add` takes it, in which `->` also leads into structs.
        kind: as what; a `number` by its own type.
    """

    text: str
    kind: As = "number"


@dataclass(frozen=True, slots=True)
class Found:
    """One event that a probe point stands for.

    Attributes:
        event: its name, without its group; unlike those of the script's other events.
        function: the function; of an event its name.
        module: the function's module; None of the kernel itself.
        point: as `pp()` gives it.
        columns: of each `Read` the column of the batch; `batch columns` of text are `Strings`.
        key: for whoever found it.
        types: of each column the kernel's name of its type, such as `u32`; empty where that is open.
    """

    event: str
    function: str
    module: str | None
    point: str
    columns: tuple[str, ...]
    key: int
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """How a variable or a member is printed.

    Attributes:
        name: of a member.
        members: of what is a struct or union, or points to one; empty where only its form was asked for.
    """

    form: Form
    name: str = ""
    members: "tuple[Shape, ...]" = ()


class Machine(Protocol):
    """A kernel that can be probed."""

    def find(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> Sequence[Found]:
        """The events of a probe point, with what they are to read.

        Raises:
            KtraceError: nothing of that name, or nothing that could be read so.
        """

    def readable(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> bool:
        """Whether all that could be read there."""

    def exists(self, site: AtFunction | AtEvent | AtSyscall) -> bool:
        """Whether there is anything of that name, looked up for certain."""

    def parameters(self, site: AtFunction) -> Sequence[str]:
        """The names of a function's parameters. Raises KtraceError where they are not known."""

    def shape(self, site: AtFunction, name: str, path: Sequence[str]) -> Shape | None:
        """How a parameter, or `return`, is printed, or the member that a path leads to from it.

        None where its type is not known.
        """

    def functions(self, site: AtFunction) -> Sequence[tuple[str, str | None]]:
        """The functions that a pattern stands for, and their modules. Raises KtraceError for none."""

    def syscalls(self) -> Mapping[int, str]:
        """The names of system calls by their numbers."""
