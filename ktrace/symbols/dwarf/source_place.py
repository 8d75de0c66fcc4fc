"""Places in source code, as users write them: `vfs_read:12`, `fs/read_write.c:474`, `:kernel/bpf/*`."""

import re
from dataclasses import dataclass
from typing import TypeAlias

_LINE = re.compile(r"(?:(?P<module>[A-Za-z0-9_-]+):)?(?P<what>[^:]+):(?P<first>\d+)(?:-(?P<last>\d+))?\Z")
_FILE = re.compile(r".*(?:/|\.(?:[chS]|cc|cpp|rs|inc)\Z)")
_FUNCTION = re.compile(r"[A-Za-z_.$][A-Za-z0-9_.$<>]*\Z")


@dataclass(frozen=True, slots=True)
class FunctionLines:
    """Lines of a function, counted from that of its declaration; `last` is None for a single line."""

    function: str
    first: int
    last: int | None = None
    module: str | None = None


@dataclass(frozen=True, slots=True)
class FileLines:
    """Lines of a source file; `last` is None for a single line."""

    file: str
    first: int
    last: int | None = None
    module: str | None = None


@dataclass(frozen=True, slots=True)
class SourceGlob:
    """All functions of the source files that match a wildcard."""

    glob: str


SourcePlace: TypeAlias = FunctionLines | FileLines | SourceGlob


def parse(text: str) -> SourcePlace | None:
    """Parse a place that needs debug info; None for one that does not, such as `vfs_read` or `ext4:f+8`.

    A module's name comes first: `ext4:ext4_file_open:3`, `ext4:fs/ext4/file.c:868`.

    >>> parse("fs/read_write.c:474")
    FileLines(file='fs/read_write.c', first=474, last=None)
    """
    if text.startswith(":") and len(text) > 1:
        return SourceGlob(text[1:])
    match = _LINE.match(text)
    if not match:
        return None
    what, first, module = match["what"], int(match["first"]), match["module"]
    last = int(match["last"]) if match["last"] else None
    if _FILE.match(what):
        return FileLines(what, first, last, module)
    return FunctionLines(what, first, last, module) if _FUNCTION.match(what) else None
