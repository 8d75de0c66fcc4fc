"""From what a person says to a Probe.

    PLACE [ARG...]            vfs_read count=%dx
    PLACE%return [ARG...]     vfs_read%return ret=$retval:s64

Several definitions on one command line are separated by a comma that stands alone. In a file each
line is a definition, in these words or in the kernel's own (`p:group/name place args`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ktrace.errors import UsageError
from ktrace.model.fetch import FetchArg, name_args, parse_fetch_arg
from ktrace.model.names import EVENT_MAX, to_identifier
from ktrace.model.place import RETURN_SUFFIX, AddressPlace, SymbolPlace, parse_kernel_place
from ktrace.model.probe import Probe
from ktrace.model.registers import dump_args

SEPARATOR = ","
DEFAULT_GROUP = "kprobes"  # the kernel's own default for kprobes

_RETURN_NAME = "__return"
_KERNEL_LINE = re.compile(r"[prfte]\d*:\S")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the options of a command say about every definition on its line.

    Attributes:
        group: of events for which no group is said.
        name: the event's name; None derives it from the place.
        at_return: make return probes.
        maxactive: of return probes; 0 lets the kernel choose.
        regs: put the registers of `machine` (`uname -m`) before the arguments.
    """

    group: str = DEFAULT_GROUP
    name: str | None = None
    at_return: bool = False
    maxactive: int = 0
    regs: bool = False
    machine: str = ""


def split_definitions(words: Sequence[str]) -> list[list[str]]:
    """Words of a command line as one list a definition. Raises UsageError for an empty one."""
    groups: list[list[str]] = [[]]
    for word in words:
        if word == SEPARATOR:
            groups.append([])
        else:
            groups[-1] += word.split() if " " in word.strip() else [word]
    if any(not group for group in groups):
        raise UsageError(
            "there is nothing between two commas" if len(groups) > 1 else "no place to probe is given",
            hint="ktrace add vfs_read count=%dx , vfs_write",
        )
    return groups


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
        group=defaults.group,
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


def read_definitions(lines: Iterable[str], source: str, defaults: Defaults) -> Iterator[Probe]:
    """The definitions of a file, blank lines and `#` comments left out.

    Raises:
        UsageError: naming `source` and the line's number.
    """
    for number, line in enumerate(lines, start=1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        try:
            if _KERNEL_LINE.match(text):
                probe = Probe.from_line(_with_group(text, defaults.group))
                yield _named(probe).checked()
            else:
                yield probe_from_words(text.split(), defaults)
        except UsageError as error:
            raise UsageError(
                f"{source}:{number}: {error.message}",
                excerpt=error.excerpt or text,
                caret=error.caret,
                hint=error.hint,
            ) from None


def _named(probe: Probe) -> Probe:
    return Probe(
        probe.kind,
        probe.group,
        probe.name,
        probe.place,
        name_args(probe.args),
        probe.at_return,
        probe.maxactive,
        probe.filter,
    )


def _with_group(line: str, group: str) -> str:
    """The line with `group` where it says none (`p:name place`)."""
    head, _, rest = line.partition(":")
    name = rest.split(None, 1)[0]
    return line if re.search(r"[/.]", name) else f"{head}:{group}/{rest}"


def _registers(machine: str, *, at_return: bool) -> tuple[FetchArg, ...]:
    args = dump_args(machine, at_return=at_return)
    if not args:
        raise UsageError(
            f"--regs does not know the registers of {machine or 'this machine'}",
            hint="name them yourself: NAME=%REGISTER",
        )
    return args
