"""Describe the probes that a command's words ask for, before any is defined."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from ktrace.errors import UsageError
from ktrace.model.fetch import FetchArg
from ktrace.model.names import EVENT_MAX, to_identifier
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.model.probe import Probe

if TYPE_CHECKING:
    from ktrace.model.debuginfo import SourceFrame


DEFAULT_GROUP = "kprobes"  # the kernel's own default for kprobes


KindChoice = Literal["kprobe", "fprobe", "auto"]
"""What `--kind` takes: `auto` is an fprobe where the kernel has it and the place allows it."""


MAX_PROBES = 500  # that a wildcard may stand for


SEVERAL = "several functions of one name (--all takes them)"
"""Why functions of a wildcard are left out."""


_RETURN_NAME = "__return"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the options of a command say about every definition on its line.

    Attributes:
        group: of events for which no group is said; None is the kernel's own for each kind.
        name: the event's name; None derives it from the place.
        at_return: make return probes.
        maxactive: of return probes; 0 lets the kernel choose.
        regs: put the registers of `machine` (`uname -m`) before the arguments.
        kind: what to probe functions with.
        every: of several functions of one name, probe all.
        nth: of several functions of one name, probe this one, counted from 1.
        max_probes: that a wildcard may stand for.
        force: take a function's arguments as its C prototype has them although the compiler changed them.
        either_arrow: `->` also leads into a struct that is no pointer, as in SystemTap's language.
        inlined: probe a function wherever it was inlined, too.
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


Names: TypeAlias = Mapping[str, Mapping[int, str]]
"""By the name of an argument: its values' names, of an enum or a bool."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A probe to be made, and what was found out on the way to it.

    Attributes:
        names: of arguments whose values have names.
        notes: what the user should know: one line each.
        asked: the function asked for, where it goes by another name here.
        one_of_many: it stands for one of the functions that a wildcard matched.
        again: makes it anew for its function's present name, whose arguments may be elsewhere; None
            where another place is all that changes.
    """

    probe: Probe
    names: Names = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    asked: str | None = None
    one_of_many: bool = False
    again: "Move | None" = None


@dataclass(frozen=True, slots=True)
class Arguments:
    """What one probe reads; `names` as in `Wanted`, `notes` on what `$args` left out."""

    args: tuple[FetchArg, ...] = ()
    names: Mapping[str, Mapping[int, str]] | None = None
    notes: tuple[str, ...] = ()


Move: TypeAlias = Callable[[Probe, str], Probe]
"""The same probe at a function of another name."""


def check_number(text: str, count: int, defaults: Defaults) -> None:
    """Raises UsageError where a wildcard stands for more functions than the defaults allow."""
    if count > defaults.max_probes:
        raise UsageError(
            f"'{text}' matches {count} functions that can be probed, "
            f"more than the {defaults.max_probes} of --max-probes",
            hint="a narrower pattern, or a higher --max-probes",
        )


def left_out_note(text: str, matched: int, probed: int, left_out: Mapping[str, int]) -> str:
    """Of how many functions of a wildcard how many are probed, and how many are not, by the reason why."""
    return f"'{text}' matches {matched} functions: {probed} are probed; {left_out_text(left_out)}"


def left_out_text(left_out: Mapping[str, int]) -> str:
    """How many were left out, by the reason why."""
    return "left out: " + ", ".join(f"{count} {reason}" for reason, count in left_out.items())


def event_name(place: SymbolPlace | AddressPlace, *, at_return: bool) -> str:
    """`vfs_read`, `vfs_read_0x10` at an offset, `addr_ffffffff81234560`; `__return` behind a return's."""
    if isinstance(place, AddressPlace):
        name = f"addr_{place.address:x}"
    else:
        name = place.symbol + (f"_0x{place.offset:x}" if place.offset else "")
    suffix = _RETURN_NAME if at_return else ""
    return to_identifier(name, EVENT_MAX - len(suffix)) + suffix


def mover(wanted: Iterable[Wanted]) -> Move:
    """Moves any of these probes to the present name of its function."""
    again = {one.probe.event: one.again for one in wanted if one.again}

    def move(probe: Probe, symbol: str) -> Probe:
        made = again.get(probe.event)
        # Its name may have been changed since, to differ from another's.
        return replace(made(probe, symbol), name=probe.name) if made else move_place(probe, symbol)

    return move


def move_place(probe: Probe, symbol: str) -> Probe:
    """The probe with another function's name and all else as it is."""
    assert isinstance(probe.place, SymbolPlace)
    return replace(probe, place=replace(probe.place, symbol=symbol))


def different_names(wanted: Iterable[Wanted]) -> list[Wanted]:
    """One event each: the kernel would join two of the same name."""
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
