"""Parse definitions of probes.

    PLACE [ARG...]            vfs_read count=%dx
    PLACE%return [ARG...]     vfs_read%return ret=$retval:s64

Several definitions on one command line are separated by a comma that stands alone. In a file each
line is a definition, in these words or in the kernel's own (`p:group/name place args`).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from ktrace.errors import UsageError
from ktrace.model.fetch import FetchArg, name_args, parse_fetch_arg
from ktrace.model.place import RETURN_SUFFIX, AddressPlace, SymbolPlace, parse_kernel_place
from ktrace.model.probe import DEFAULT_GROUPS, Probe
from ktrace.resolve.spec import ProbeOptions, ProbeSpec, event_name

SEPARATOR = ","
IF = "if"
"""The word before the condition of one definition."""


Make: TypeAlias = Callable[[Sequence[str]], Iterable[ProbeSpec]]
"""Turns the words of one definition into its probes."""


def check_options(wanted: Iterable[ProbeSpec], defaults: ProbeOptions, events: Sequence[str] = ()) -> None:
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


def split_definitions(words: Sequence[str]) -> list[list[str]]:
    """Split a command line into one list for each definition. Raises UsageError for an empty one."""
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


def split_condition(words: Sequence[str]) -> tuple[Sequence[str], str | None]:
    """Split `PLACE [ARG...] if EXPR` at its `if`. Raises UsageError if one side is missing.

    >>> split_condition(["vfs_read", "count", "if", "count > 4096"])
    (['vfs_read', 'count'], 'count > 4096')
    """
    if IF not in words:
        return words, None
    at = list(words).index(IF)
    head, condition = words[:at], " ".join(words[at + 1 :])
    if not head or not condition:
        raise UsageError(
            "a condition without a place" if not head else "there is no condition after 'if'",
            hint="ktrace trace vfs_read count if 'count > 4096' , vfs_write",
        )
    return head, condition


def split_words(text: str) -> list[str]:
    """Split at blanks, except those within parentheses: `(struct sock *)arg` is one word."""
    words: list[str] = []
    depth = 0
    for piece in re.split(r"(\s+)", text.strip()):
        if depth > 0 and words:
            words[-1] += piece
        elif piece.strip():
            words.append(piece)
        depth += piece.count("(") - piece.count(")")
    return words if depth == 0 else text.split()


def probe_from_words(words: Sequence[str], defaults: ProbeOptions) -> Probe:
    """Return the probe of one definition. Raises UsageError with a caret where the words are wrong."""
    word, *texts = words
    at_return = defaults.at_return or word.endswith(RETURN_SUFFIX)
    place = parse_kernel_place(word.removesuffix(RETURN_SUFFIX))
    return plain_probe(place, texts, at_return, defaults)


def plain_probe(
    place: SymbolPlace | AddressPlace, texts: Sequence[str], at_return: bool, defaults: ProbeOptions
) -> Probe:
    """Return the probe whose arguments the kernel reads unchanged. Raises UsageError for a wrong argument."""
    args: tuple[FetchArg, ...] = tuple(parse_fetch_arg(text) for text in texts)
    if defaults.regs:
        args = _registers(defaults.machine, at_return=at_return) + args
    return Probe(
        kind="r" if at_return else "p",
        group=defaults.group or DEFAULT_GROUPS["p"],
        name=event_name(place, at_return=at_return) if defaults.name is None else defaults.name,
        place=place,
        args=name_args(args),
        maxactive=defaults.maxactive if at_return else 0,
    ).checked()


def _registers(machine: str, *, at_return: bool) -> tuple[FetchArg, ...]:
    from ktrace.model.registers import dump_args  # noqa: PLC0415 -- few want all of them

    args = dump_args(machine, at_return=at_return)
    if not args:
        raise UsageError(
            f"--regs does not know the registers of {machine or 'this machine'}",
            hint="name them yourself: NAME=%REGISTER",
        )
    return args
