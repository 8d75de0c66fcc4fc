"""The context of expressions: the types, the place of the probe, the kernel's features."""

from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Literal, Protocol

from ktrace.model.ctype import CType, Enum, FuncProto, Function, Member, Record, RecordKind, Typedef
from ktrace.model.debuginfo import Variable
from ktrace.model.features import Features
from ktrace.model.meaning_numbers import Table
from ktrace.model.miss import Miss
from ktrace.records import dataclass

Named = Literal["function", "struct", "union", "enum", "typedef"]
Where = Literal["entry", "return", "inside"]


class TypeSource(Protocol):
    """The types of one kernel, and possibly of one of its modules."""

    def functions(self, name: str) -> tuple[Function, ...] | Miss:
        """Return the functions of that name with different signatures. The kernel would use the first."""

    def record(self, kind: RecordKind, name: str) -> Record | Miss:
        """Return the struct or union of that name, with members."""

    def enum(self, name: str) -> Enum | Miss:
        """Return the enum of that name."""

    def typedef(self, name: str) -> Typedef | Miss:
        """Return the typedef of that name."""

    def prototype(self, name: str) -> FuncProto | Miss:
        """Return the prototype of the function pointer that a typedef names."""

    def variable(self, name: str) -> CType | Miss:
        """Return the type of the global variable of that name."""

    def members(self, record: Record) -> tuple[Member, ...]:
        """Return the members of a record from this source."""

    def names(self, kind: Named) -> Iterable[str]:
        """Return all names of a kind. May be slow; called only to explain an error."""


@dataclass(frozen=True, slots=True)
class Site:
    """The place of a probe.

    Attributes:
        function: the symbol, with compiler suffixes (`.isra.0`); None for a bare address. For a
            tracepoint probe, the tracepoint's name.
        where: at the function's entry, at its return, or somewhere inside.
        machine: `uname -m`.
        registers: whether registers such as `%di` can be read; not in fprobe and tracepoint probes.
        nth: the number, from 1, of the function among several of the same name; None for any.
        force: take the C prototype for a function whose arguments the compiler has changed.
        either_arrow: `->` may also access a struct that is not a pointer, as in SystemTap's language.
        variables: the variables that debug info describes there, innermost scope first; no other names are
            then accepted. A Miss says what has to be installed; None if it was not looked up.
        whole: read all parts of a file's path, as further arguments, and all bytes of a struct that is one
            value to a person, such as a `struct sockaddr`.
        cpu_words: the words of 64 CPUs that are read of a `struct cpumask`.
        look_up: returns the kernel's constants for a word of `ktrace.model.meanings`.
        body_max: the maximum length of an argument after `NAME=`, in characters. 255 since 7.3, which README
            does not mention.
        deref_max: the maximum number of nested dereferences. 8 since 7.3.
    """

    function: str | None
    where: Where = "entry"
    machine: str = "x86_64"
    features: Features = field(default_factory=Features)
    registers: bool = True
    tracepoint: bool = False
    nth: int | None = None
    force: bool = False
    either_arrow: bool = False
    variables: tuple[Variable, ...] | Miss | None = None
    whole: bool = False
    cpu_words: int = 1
    look_up: Callable[[str], Table] = lambda _: ()
    body_max: int = 63
    deref_max: int = 13
