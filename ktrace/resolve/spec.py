"""Descriptions of requested probes, before any is defined."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from ktrace.errors import UsageError
from ktrace.model.fetch import FetchArg
from ktrace.model.names import EVENT_MAX, to_identifier
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.model.probe import Probe
from ktrace.records import dataclass

if TYPE_CHECKING:
    from ktrace.model.debuginfo import SourceFrame
    from ktrace.model.meaning import Names as ValueNames


KindChoice = Literal["kprobe", "fprobe", "auto"]
"""Values of `--kind`. `auto` is an fprobe if the kernel has fprobes and the place allows one."""


MAX_PROBES = 500  # for one wildcard


SEVERAL = "several functions of one name (--all takes them)"
"""A reason to leave out functions that match a wildcard."""


_RETURN_NAME = "__return"


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """The options of a command that apply to every definition on its line.

    Attributes:
        group: for events without an explicit group; None uses the kernel's own group for each kind.
        name: the event's name; None derives it from the place.
        at_return: make return probes.
        maxactive: for return probes; 0 lets the kernel choose.
        regs: put the registers of `machine` (`uname -m`) before the arguments.
        kind: what to probe functions with.
        every: probe all functions of that name.
        nth: probe the Nth function of that name, counted from 1.
        max_probes: the most functions that a wildcard may match.
        force: trust a function's C prototype for its arguments although the compiler changed them.
        either_arrow: `->` also works on a struct that is not a pointer, as in SystemTap's language.
        whole: read whole paths of files, as several arguments, and structs that are one value.
        inlined: also probe a function wherever it was inlined.
    """

    group: str | None = None
    name: str | None = None
    at_return: bool = False
    maxactive: int = 0
    regs: bool = False
    machine: str = ""
    kind: KindChoice = "kprobe"
    every: bool = False
    nth: int | None = None
    max_probes: int = MAX_PROBES
    force: bool = False
    either_arrow: bool = False
    inlined: bool = False
    whole: bool = False

    @property
    def given(self) -> str | None:
        """Return the first option that says how probes are made, or None if all are at their defaults."""
        is_given = {
            "--return": self.at_return,
            "--maxactive": self.maxactive,
            "--regs": self.regs,
            "--kind": self.kind != "kprobe",
            "--all": self.every,
            "--nth": self.nth is not None,
            "--inlined": self.inlined,
        }
        return next((name for name, given in is_given.items() if given), None)


Names: TypeAlias = "Mapping[str, ValueNames]"
"""The meaning of each argument's values, by the argument's name; of an enum and a bool, their names."""


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """A probe to define, and what was found while resolving it.

    Attributes:
        names: how the values of arguments read, for those that read as more than their number.
        notes: notes for the user, one line each.
        requested: the function that was asked for, if it has another name in this kernel.
        one_of_many: whether it is for one of the functions that a wildcard matched.
        filter: the condition of its place alone, in the kernel's filter syntax.
        relocate: rebuilds it for its function's present name, where arguments may be elsewhere; None
            if only the place changes.
    """

    probe: Probe
    names: Names = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    requested: str | None = None
    one_of_many: bool = False
    filter: str | None = None
    relocate: "Relocate | None" = None


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one probe; `names` as in `ProbeSpec`, `notes` on what `$args` left out."""

    args: tuple[FetchArg, ...] = ()
    names: "Names | None" = None
    notes: tuple[str, ...] = ()


Relocate: TypeAlias = Callable[[Probe, str], Probe]
"""A function that returns the same probe at a function of another name."""


def check_number(text: str, count: int, defaults: ProbeOptions) -> None:
    """Raise UsageError if a wildcard matches more functions than the defaults allow."""
    if count > defaults.max_probes:
        raise UsageError(
            f"'{text}' matches {count} functions that can be probed, "
            f"more than the {defaults.max_probes} of --max-probes",
            hint="a narrower pattern, or a higher --max-probes",
        )


def skipped_note(text: str, matched: int, probed: int, skipped: Mapping[str, int]) -> str:
    """Say how many functions a wildcard matches, how many are probed, and how many are not, by reason."""
    return f"'{text}' matches {matched} functions: {probed} are probed; {skipped_text(skipped)}"


def skipped_text(skipped: Mapping[str, int]) -> str:
    """Say how many functions were left out, by reason."""
    return "left out: " + ", ".join(f"{count} {reason}" for reason, count in skipped.items())


def event_name(place: SymbolPlace | AddressPlace, *, at_return: bool) -> str:
    """Derive an event's name: `vfs_read`, `vfs_read_0x10`, `addr_ffffffff81234560`, `vfs_read__return`."""
    if isinstance(place, AddressPlace):
        name = f"addr_{place.address:x}"
    else:
        name = place.symbol + (f"_0x{place.offset:x}" if place.offset else "")
    suffix = _RETURN_NAME if at_return else ""
    return to_identifier(name, EVENT_MAX - len(suffix)) + suffix


def relocator(wanted: Iterable[ProbeSpec]) -> Relocate:
    """Return a function that moves any of these probes to the present name of its function."""
    relocations = {one.probe.event: one.relocate for one in wanted if one.relocate}

    def move(probe: Probe, symbol: str) -> Probe:
        made = relocations.get(probe.event)
        # Its name may have been changed since, to differ from another's.
        return replace(made(probe, symbol), name=probe.name) if made else relocate_place(probe, symbol)

    return move


def relocate_place(probe: Probe, symbol: str) -> Probe:
    """Return the probe with only its function's name changed."""
    assert isinstance(probe.place, SymbolPlace)
    return replace(probe, place=replace(probe.place, symbol=symbol))


def different_names(wanted: Iterable[ProbeSpec]) -> list[ProbeSpec]:
    """Give each probe a different event name: the kernel would merge two of the same name."""
    taken: set[str] = set()
    out = []
    for one in wanted:
        name, n = one.probe.name, 1
        while name in taken:
            n += 1
            name = f"{one.probe.name[: EVENT_MAX - len(str(n)) - 1]}_{n}"
        taken.add(name)
        out.append(replace(one, probe=replace(one.probe, name=name)) if n > 1 else one)
    return out


InSource: TypeAlias = "Callable[[SourceFrame], bool]"
