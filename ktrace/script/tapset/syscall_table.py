"""Tables of system calls: their parameters, how each is shown, and other names that scripts know it by.

`syscalls.txt` has the kernel's declarations: `tools/syscalls.py` makes it from the kernel's own formats.
`syscall_arguments.txt` says what the declarations do not say. A line of it is `as KIND: CALL.PARAMETER ...`,
`also NAME: ...` for another name of the parameter, or `shown NAME: ...` for a variable that has its text. A
line that begins with a blank continues the one before; `*` is any call. If `as` names a parameter more than
once, the line with the name of its call counts.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources

from ktrace.records import dataclass
from ktrace.symbols.syscalls import SyscallParam

_ANY = "*"
_KINDS = {
    "ustring": "text",
    "x64": "pointer",
    "s32": "int",
    "u32": "unsigned",
    "s64": "long",
    "u64": "unsigned long",
    "u16": "octal",
}
"""The kinds by fetch type, of parameters that no line of `syscall_arguments.txt` names. Only modes of files
have 16 bits."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call.

    Attributes:
        number: its position, from 1.
        kind: how it is shown.
        is_wide: whether it has 64 bits.
        is_struct: whether it points to a struct.
        names: the kernel's name, and others that scripts may use.
        texts: names of variables that have it as it is shown.
    """

    number: int
    kind: str
    is_wide: bool
    is_struct: bool
    names: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def documented(self) -> tuple[str, ...]:
        """Return the names of SystemTap's manual; the kernel's name if the manual has no other."""
        return self.names[1:] or self.names


@cache
def read_table() -> Mapping[str, tuple[SyscallParam, ...]]:
    """Return the parameters of each call."""
    found = {}
    for line in _text("syscalls.txt").splitlines():
        name, _, rest = line.rstrip(")").partition("(")
        words = [word.rpartition(" ") for word in rest.split(", ") if word]
        found[name] = tuple(SyscallParam(param, ctype) for ctype, _, param in words)
    return found


def arguments(call: str) -> tuple[Argument, ...]:
    """Return the arguments of a call; none if it has none, or is not in the table."""
    found = []
    for number, param in enumerate(read_table().get(call, ()), 1):
        fetch = param.fetch_type
        kind = _of("as", call, param)[:1] or (_KINDS[fetch],)
        is_struct = param.ctype.endswith("*") and "struct" in param.ctype
        names = (param.name, *_of("also", call, param))
        texts = _of("shown", call, param)
        found.append(Argument(number, kind[0], fetch.endswith("64"), is_struct, names, texts))
    return tuple(found)


def _of(word: str, call: str, param: SyscallParam) -> tuple[str, ...]:
    """Return what is said of a parameter, first that which names its call."""
    found = said(word)
    return found.get((call, param.name), ()) + found.get((_ANY, param.name), ())


@cache
def said(word: str) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return what the lines that begin with a word say about a parameter of a call."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for line in _text("syscall_arguments.txt").replace("\n ", " ").splitlines():
        head, _, rest = line.partition(": ")
        kind, _, value = head.partition(" ")
        if kind != word:
            continue
        for one in rest.split():
            call, _, param = one.partition(".")
            found[call, param] = (*found.get((call, param), ()), value)
    return found


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("ascii")
