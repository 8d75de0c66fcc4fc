"""The grammar of PLACE: from one word of a command line to a value.

    vfs_read  ext4:ext4_file_open+0x10          a function, or a place in it   SymbolPlace
    0xffffffff81234560                          an address                     AddressPlace
    tcp_*  ext4:*                               functions by a wildcard        Wildcard
    tracepoint:sched_switch                     a tracepoint                   Tracepoint
    vfs_read:12  ext4:ext4_file_open:3-9        lines of a function            LinesOfFunction
    fs/read_write.c:474                         lines of a source file         LinesOfFile
    :kernel/bpf/*                               functions of source files      FunctionsOfFiles

Each may end in `%return`. Nothing is looked up here: the user of the value finds out whether there is such
a function, or an event of that name. Definitions in the kernel's own words (`p:x vfs_read`) have another
grammar, that of `resolve.kernel_lines`.
"""

import re
from typing import TypeAlias

from ktrace.errors import UsageError
from ktrace.model.names import is_glob
from ktrace.model.place import RETURN_SUFFIX, AddressPlace, SymbolPlace, parse_kernel_place
from ktrace.records import dataclass

_TRACEPOINT = "tracepoint:"
_LINE = re.compile(r"(?:(?P<module>[A-Za-z0-9_-]+):)?(?P<what>[^:]+):(?P<first>\d+)(?:-(?P<last>\d+))?\Z")
_FILE = re.compile(r".*(?:/|\.(?:[chS]|cc|cpp|rs|inc)\Z)")
_FUNCTION = re.compile(r"[A-Za-z_.$][A-Za-z0-9_.$<>]*\Z")


@dataclass(frozen=True, slots=True)
class Wildcard:
    """All functions that match a shell wildcard; of one module, or of the kernel and every module."""

    glob: str
    module: str | None = None

    def to_text(self) -> str:
        """Return the word."""
        return f"{self.module}:{self.glob}" if self.module else self.glob


@dataclass(frozen=True, slots=True)
class Tracepoint:
    """A tracepoint, by its name without the system."""

    name: str

    def to_text(self) -> str:
        """Return the word."""
        return _TRACEPOINT + self.name


@dataclass(frozen=True, slots=True)
class LinesOfFunction:
    """Lines of a function, counted from that of its declaration; `last` is None for a single line."""

    function: str
    first: int
    last: int | None = None
    module: str | None = None

    def to_text(self) -> str:
        """Return the word."""
        return _lines(self.function, self)


@dataclass(frozen=True, slots=True)
class LinesOfFile:
    """Lines of a source file; `last` is None for a single line."""

    file: str
    first: int
    last: int | None = None
    module: str | None = None

    def to_text(self) -> str:
        """Return the word."""
        return _lines(self.file, self)


@dataclass(frozen=True, slots=True)
class FunctionsOfFiles:
    """All functions of the source files that match a wildcard."""

    glob: str

    def to_text(self) -> str:
        """Return the word."""
        return f":{self.glob}"


SourcePlace: TypeAlias = LinesOfFunction | LinesOfFile | FunctionsOfFiles
"""A place that only debug info knows."""

PlaceKind: TypeAlias = SymbolPlace | AddressPlace | Wildcard | Tracepoint | SourcePlace


@dataclass(frozen=True, slots=True)
class PlaceWord:
    """A place, and whether it is meant when it returns.

    Attributes:
        spelled: the word without `%return`, for messages; "" if the place was not read from a word.
    """

    place: PlaceKind
    at_return: bool = False
    spelled: str = ""

    @property
    def text(self) -> str:
        """Return the place as it was written, without `%return`."""
        return self.spelled or self.place.to_text()


def parse_place(word: str) -> PlaceWord:
    """Parse a place.

    Raises:
        UsageError: the word is not a place; the caret is at the wrong character.
    """
    text = word.removesuffix(RETURN_SUFFIX)
    return PlaceWord(_parse(text), text != word, text)


def parse_source_place(word: str) -> SourcePlace | None:
    """Parse a place in the source without `%return`; None for any other word, such as `vfs_read`.

    A module's name comes first: `ext4:ext4_file_open:3`, `ext4:fs/ext4/file.c:868`.

    >>> parse_source_place("fs/read_write.c:474")
    LinesOfFile(file='fs/read_write.c', first=474, last=None, module=None)
    """
    if word.startswith(":") and len(word) > 1:
        return FunctionsOfFiles(word[1:])
    match = _LINE.match(word)
    if not match:
        return None
    what, first, module = match["what"], int(match["first"]), match["module"]
    last = int(match["last"]) if match["last"] else None
    if _FILE.match(what):
        return LinesOfFile(what, first, last, module)
    return LinesOfFunction(what, first, last, module) if _FUNCTION.match(what) else None


def is_source_place(word: str) -> bool:
    """Return whether the word is a place in the source, with or without `%return`."""
    return parse_source_place(word.removesuffix(RETURN_SUFFIX)) is not None


def _parse(text: str) -> PlaceKind:
    if text.startswith(_TRACEPOINT):
        return _tracepoint(text.removeprefix(_TRACEPOINT))
    if (source := parse_source_place(text)) is not None:
        return source
    if is_glob(text):
        module, _, glob = text.rpartition(":")
        return Wildcard(glob, module or None)
    return parse_kernel_place(text)


def _tracepoint(text: str) -> Tracepoint:
    """Parse `NAME`, or `SYSTEM:NAME` as the static event is called."""
    name = re.split(r"[:/]", text)[-1]
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise UsageError(f"'{text}' is not a tracepoint's name", hint="tracepoint:sched_switch")
    return Tracepoint(name)


def _lines(what: str, lines: LinesOfFunction | LinesOfFile) -> str:
    module = f"{lines.module}:" if lines.module else ""
    return f"{module}{what}:{lines.first}" + (f"-{lines.last}" if lines.last is not None else "")
