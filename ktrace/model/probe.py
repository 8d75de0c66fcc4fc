"""The definition of a dynamic event, which can be converted to and from the kernel's syntax.

The grammar is that of Documentation/trace/kprobetrace.rst (`p`, `r`), uprobetracer.rst, fprobetrace.rst
(`f`, `t`) and eprobetrace.rst (`e`).
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeAlias, cast

from ktrace.errors import UsageError
from ktrace.model.fetch import FetchArg, split_type
from ktrace.model.names import check_event, check_group, is_glob
from ktrace.model.place import (
    RETURN_SUFFIX,
    START,
    AddressPlace,
    EventPlace,
    FilePlace,
    Place,
    SymbolPlace,
    TracepointPlace,
    c_integer,
    hashed_address,
    parse_kernel_place,
)
from ktrace.records import dataclass

Kind = Literal["p", "r", "f", "t", "e"]

MAXACTIVE_MAX = 4096
ARGS_MAX = 128  # kernels up to 6.5 silently drop the rest
LINE_MAX = 4094  # bytes; the kernel refuses longer lines and gives the reason only in dmesg


DEFAULT_GROUPS = {"p": "kprobes", "r": "kprobes", "f": "fprobes", "t": "tracepoints", "e": "eprobes"}
"""The group that the kernel gives to an event without one, by the kind of probe."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One dynamic event.

    Attributes:
        kind: `p` kprobe or uprobe, `r` kretprobe or uretprobe, `f` fprobe, `t` tracepoint, `e` event.
        group: directory below `events/`; the kernel's default for kprobes is `kprobes`.
        name: directory below the group.
        place: where it is placed.
        args: what it reads.
        at_return: for an `f` probe: whether it is at the function's exit.
        maxactive: for an `r` (or old `f`) probe: how many calls can be active at a time; 0 lets the
            kernel choose.
        filter: for an `e` probe: the text after `if`. The kernel does not print it back.
    """

    kind: Kind
    group: str
    name: str
    place: Place
    args: tuple[FetchArg, ...] = ()
    at_return: bool = False
    maxactive: int = 0
    filter: str | None = None

    @property
    def event(self) -> str:
        """Return `GROUP/NAME`, the event's directory below `events/`."""
        return f"{self.group}/{self.name}"

    @property
    def is_return(self) -> bool:
        """Return whether it is hit when a function returns."""
        return self.kind == "r" or self.at_return

    def checked(self) -> "Probe":
        """Return this probe, or raise UsageError if its names or numbers break the kernel's rules."""
        check_event(self.name)
        check_group(self.group)
        if self.maxactive and not self.is_return:
            raise UsageError("--maxactive is for return probes only", hint="add -r, or leave it out")
        if not 0 <= self.maxactive <= MAXACTIVE_MAX:
            raise UsageError(f"--maxactive {self.maxactive}: the kernel takes 1 to {MAXACTIVE_MAX}")
        place = self.place
        if isinstance(place, AddressPlace) and place.hashed:
            raise hashed_address(place.to_text())
        if self.is_return and isinstance(place, SymbolPlace) and place.offset and place.symbol != START:
            raise UsageError(
                f"a return probe sits at a function's entry, not at +{place.offset}",
                hint=f"{place.symbol}{RETURN_SUFFIX}",
            )
        if len(self.args) > ARGS_MAX:
            raise UsageError(
                f"{self.event} reads {len(self.args)} arguments; the kernel takes {ARGS_MAX}",
                hint="split them over two probes",
            )
        size = len(self.to_line().encode("utf-8", "surrogateescape"))
        if size > LINE_MAX:
            raise UsageError(
                f"the definition of {self.event} has {size} bytes; the kernel takes {LINE_MAX}",
                hint="read fewer arguments, or split them over two probes",
            )
        return self

    def to_line(self) -> str:
        """Return the line that defines it, without a newline."""
        head = self.kind + (str(self.maxactive) if self.maxactive else "")
        words = [f"{head}:{self.event}", self.place.to_text()]
        if self.at_return and self.kind == "f":
            words[1] += RETURN_SUFFIX
        words += [arg.to_text() for arg in self.args]
        if self.filter:
            words += ["if", self.filter]
        return " ".join(words)

    def to_delete_line(self) -> str:
        """Return the line that removes every probe point of this event."""
        return f"-:{self.event}"

    @classmethod
    def from_line(cls, line: str) -> "Probe":
        """Parse a line of `kprobe_events`, `uprobe_events` or `dynamic_events`.

        Raises:
            UsageError: the line does not define a probe (synthetic events are not probes).
        """
        match = _HEAD.match(line)
        if not match:
            raise UsageError("not the definition of a probe", excerpt=line, caret=0)
        kind, digits, group, name, rest = match.groups()
        words = _WORD.findall(rest)
        if not words:
            raise UsageError("the definition names no place", excerpt=line, caret=len(line))
        # A uprobe's reference counter comes after %return: PATH:OFFSET%return(REFCTR).
        place = words[0].replace(f"{RETURN_SUFFIX}(", "(") if kind == "p" else words[0]
        at_return = place != words[0] or place.endswith(RETURN_SUFFIX)
        probe = cls(
            kind=cast(Kind, kind),
            group=group or "",
            name=name,
            place=_read_place(kind, place.removesuffix(RETURN_SUFFIX)),
            at_return=kind == "f" and at_return,
            maxactive=int(digits or 0),
        )
        if not group:
            in_file = isinstance(probe.place, FilePlace)
            probe = replace(probe, group="uprobes" if in_file else DEFAULT_GROUPS[kind])
        if kind == "p" and at_return:
            probe = replace(probe, kind="r")
        args = words[1:]
        if kind == "e" and "if" in args:
            at = args.index("if")
            probe = replace(probe, filter=" ".join(args[at + 1 :]))
            args = args[:at]
        return replace(probe, args=tuple(_read_arg(arg) for arg in args))


_HEAD = re.compile(r"([prfte])(\d{0,9}):(?:([^\s/.]+)[/.])?([^\s/.]+)\s+(.*)\Z", re.DOTALL | re.ASCII)
_WORD = re.compile(r"\S+", re.ASCII)  # only ASCII blanks separate words: a file name may contain other blanks


_FILE_PLACE = re.compile(
    r"([^/]*/.*):(0x[0-9a-fA-F]+|\d+)(?:\((0x[0-9a-fA-F]+|\d+)\))?\Z", re.DOTALL | re.ASCII
)


def _read_place(kind: str, text: str) -> Place:
    if kind == "t":
        return TracepointPlace(text)
    if kind == "e":
        system, _, event = text.replace("/", ".").partition(".")
        return EventPlace(system, event)
    match = _FILE_PLACE.match(text)
    if match and kind in "pr":
        try:
            return FilePlace(match[1], c_integer(match[2]), c_integer(match[3]) if match[3] else None)
        except ValueError:
            raise UsageError(
                "this is not an offset in the file",
                excerpt=text,
                caret=match.start(2),
                hint="bytes from its start: decimal, hexadecimal with 0x, or octal with 0",
            ) from None
    if re.fullmatch(r"0x[0-9a-fA-F]{16}", text):
        # The kernel prints addresses with %p, which hashes them to values below all kernel addresses.
        address = int(text, 16)
        return AddressPlace(address, hashed=address < 1 << 63)
    if kind == "f" and is_glob(text):  # an fprobe can probe all functions that match a wildcard
        return SymbolPlace(text)
    return parse_kernel_place(text)


def _read_arg(text: str) -> FetchArg:
    name, equals, body = text.partition("=")
    if not equals:
        return FetchArg(*_swap(None, split_type(text)))
    return FetchArg(*_swap(name, split_type(body)))


def _swap(name: str | None, body: tuple[str, str | None]) -> tuple[str, str | None, str | None]:
    return body[0], name, body[1]


Check: TypeAlias = Callable[[Probe], None]
"""A function that raises UsageError if an argument of the probe would read nothing."""
