"""What expressions are resolved against: the types, the place of the probe, the kernel's abilities."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from ktrace.model.ctype import Enum, FuncProto, Function, Member, Record, RecordKind, Typedef
from ktrace.model.debuginfo import Variable
from ktrace.model.miss import Miss

Named = Literal["function", "struct", "union", "enum", "typedef"]
Where = Literal["entry", "return", "inside"]


class TypeSource(Protocol):
    """The types of one kernel, and perhaps of one of its modules."""

    def functions(self, name: str) -> tuple[Function, ...] | Miss:
        """Functions of that name that differ in their signatures; the kernel would take the first."""

    def record(self, kind: RecordKind, name: str) -> Record | Miss:
        """A struct or union of that name, with members."""

    def enum(self, name: str) -> Enum | Miss:
        """An enum of that name."""

    def typedef(self, name: str) -> Typedef | Miss:
        """A typedef of that name."""

    def prototype(self, name: str) -> FuncProto | Miss:
        """The prototype of the function pointer that a typedef names."""

    def members(self, record: Record) -> tuple[Member, ...]:
        """The members of a record that came from here."""

    def names(self, kind: Named) -> Iterable[str]:
        """All names of a kind: may be slow, is asked for only to explain an error."""


@dataclass(frozen=True, slots=True)
class Features:
    """What this kernel's probe parser can do.

    Attributes:
        btf_args: knows parameters by name.
        btf_members: also `->` and `.`, and `:string` of a `char *` parameter.
        pd: the types `%pd` and `%pD`.
        entry_args_at_return: parameters, as they were at entry, in a return probe.
        body_max: characters of an argument after `NAME=`; 255 from 7.3 on, of which README says nothing.
        deref_max: nested dereferences.
    """

    btf_args: bool = False
    btf_members: bool = False
    pd: bool = False
    entry_args_at_return: bool = False
    body_max: int = 63
    deref_max: int = 13

    @classmethod
    def from_readme(cls, readme: str) -> "Features":
        """From the text of tracefs `README`."""
        return cls(
            btf_args="<argname>" in readme,
            btf_members="<argname>[->field" in readme,
            pd="%pd/%pD" in readme,
            entry_args_at_return="kernel return probes support:" in readme
            and "$arg<N>" in readme.partition("kernel return probes support:")[2].partition("\n")[0],
        )


@dataclass(frozen=True, slots=True)
class Site:
    """Where the probe sits.

    Attributes:
        function: the symbol, with compiler suffixes (`.isra.0`); None of a bare address. Of a
            tracepoint probe the tracepoint's name.
        where: at the function's entry, at its return, or somewhere inside.
        machine: `uname -m`.
        registers: whether `%di` and its like can be read; not in fprobe and tracepoint probes.
        nth: which of several functions of the name is meant, from 1; None if that may not matter.
        force: take the C prototype for a function whose arguments the compiler has changed.
        either_arrow: `->` also leads into a struct that is no pointer, as in SystemTap's language.
        variables: those that debug info describes there, innermost scope first, which are then the only
            names; a Miss says what would have to be installed; None where nobody looked.
    """

    function: str | None
    where: Where = "entry"
    machine: str = "x86_64"
    features: Features = Features()
    registers: bool = True
    tracepoint: bool = False
    nth: int | None = None
    force: bool = False
    either_arrow: bool = False
    variables: tuple[Variable, ...] | Miss | None = None
