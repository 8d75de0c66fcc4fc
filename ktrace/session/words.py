"""From what a person says to a Probe.

    PLACE [ARG...]            vfs_read count=%dx
    PLACE%return [ARG...]     vfs_read%return ret=$retval:s64

Several definitions on one command line are separated by a comma that stands alone. In a file each
line is a definition, in these words or in the kernel's own (`p:group/name place args`).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from ktrace.errors import UsageError
from ktrace.model.fetch import FetchArg, name_args, parse_fetch_arg
from ktrace.model.names import EVENT_MAX, to_identifier
from ktrace.model.place import RETURN_SUFFIX, AddressPlace, SymbolPlace, parse_kernel_place
from ktrace.model.probe import Probe

SEPARATOR = ","
DEFAULT_GROUP = "kprobes"  # the kernel's own default for kprobes

KindChoice = Literal["kprobe", "fprobe", "auto"]
"""What `--kind` takes: `auto` is an fprobe where the kernel has it and the place allows it."""

MAX_PROBES = 500  # that a wildcard may stand for

SEVERAL = "several functions of one name (--all takes them)"
"""Why functions of a wildcard are left out."""

_RETURN_NAME = "__return"
_SOURCE = re.compile(r"[^:].*:\d+(?:-\d+)?(?:%return)?\Z|:.")


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

Make: TypeAlias = Callable[[Sequence[str]], Iterable[Wanted]]
"""Turns the words of one definition into its probes."""


def check_number(text: str, count: int, defaults: Defaults) -> None:
    """Raises UsageError where a wildcard stands for more functions than the defaults allow."""
    if count > defaults.max_probes:
        raise UsageError(
            f"'{text}' matches {count} functions that can be probed, "
            f"more than the {defaults.max_probes} of --max-probes",
            hint="a narrower pattern, or a higher --max-probes",
        )


def check_options(wanted: Iterable[Wanted], defaults: Defaults, events: Sequence[str] = ()) -> None:
    """Raise UsageError for options about probes that apply to none of them.

    Args:
        events: events that exist, which are taken as they are.
    """
    made = list(wanted)
    if defaults.maxactive and made and not any(one.probe.is_return for one in made):
        raise UsageError("--maxactive is for return probes only", hint="add -r, or leave it out")
    if defaults.every and defaults.nth is not None:
        raise UsageError("--all and --nth together: which?")
    if made or not events:
        return
    if option := defaults.given:
        raise UsageError(
            f"{option} is about probes that are made, but {events[0]} is there already",
            hint=f"leave {option} out; an argument after a name makes it a function's: NAME '$comm'",
        )


def left_out_note(text: str, matched: int, probed: int, left_out: Mapping[str, int]) -> str:
    """Of how many functions of a wildcard how many are probed, and how many are not, by the reason why."""
    return f"'{text}' matches {matched} functions: {probed} are probed; {left_out_text(left_out)}"


def left_out_text(left_out: Mapping[str, int]) -> str:
    """How many were left out, by the reason why."""
    return "left out: " + ", ".join(f"{count} {reason}" for reason, count in left_out.items())


def is_source_place(place: str) -> bool:
    """Whether it names a line of source, or all of a file: `vfs_read:12`, `:kernel/bpf/*`."""
    return _SOURCE.match(place) is not None


def split_definitions(words: Sequence[str]) -> list[list[str]]:
    """Words of a command line as one list a definition. Raises UsageError for an empty one."""
    groups: list[list[str]] = [[]]
    for word in words:
        if word == SEPARATOR:
            groups.append([])
        else:
            groups[-1] += split_words(word) if " " in word.strip() else [word]
    if any(not group for group in groups):
        raise UsageError(
            "there is nothing between two commas" if len(groups) > 1 else "no place to probe is given",
            hint="ktrace add vfs_read count=%dx , vfs_write",
        )
    return groups


def split_words(text: str) -> list[str]:
    """`text` at its blanks, but not at those within parentheses: `(struct sock *)arg` is one word."""
    words: list[str] = []
    depth = 0
    for piece in re.split(r"(\s+)", text.strip()):
        if depth > 0 and words:
            words[-1] += piece
        elif piece.strip():
            words.append(piece)
        depth += piece.count("(") - piece.count(")")
    return words if depth == 0 else text.split()


def probe_from_words(words: Sequence[str], defaults: Defaults) -> Probe:
    """One definition. Raises UsageError with a caret where the words are wrong."""
    place_text, *arg_texts = words
    at_return = defaults.at_return or place_text.endswith(RETURN_SUFFIX)
    place = parse_kernel_place(place_text.removesuffix(RETURN_SUFFIX))
    args: tuple[FetchArg, ...] = tuple(parse_fetch_arg(text) for text in arg_texts)
    if defaults.regs:
        args = _registers(defaults.machine, at_return=at_return) + args
    return Probe(
        kind="r" if at_return else "p",
        group=defaults.group or DEFAULT_GROUP,
        name=event_name(place, at_return=at_return) if defaults.name is None else defaults.name,
        place=place,
        args=name_args(args),
        maxactive=defaults.maxactive if at_return else 0,
    ).checked()


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


def _registers(machine: str, *, at_return: bool) -> tuple[FetchArg, ...]:
    from ktrace.model.registers import dump_args  # noqa: PLC0415 -- few want all of them

    args = dump_args(machine, at_return=at_return)
    if not args:
        raise UsageError(
            f"--regs does not know the registers of {machine or 'this machine'}",
            hint="name them yourself: NAME=%REGISTER",
        )
    return args
