"""List the source lines that a `kernel.statement("FUNCTION@FILE:LINES")` means."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ktrace.errors import NotFound
from ktrace.model.debuginfo import FunctionLines
from ktrace.model.miss import Miss
from ktrace.script.language.points import AtFunction

if TYPE_CHECKING:
    from ktrace.symbols.dwarf.info import DebugInfo

_LAST = 1 << 30  # a line that no file has


def statement_places(site: AtFunction, file: str, info: "DebugInfo") -> list[str]:
    """Return the lines as `ktrace add` spells them: `fs/read_write.c:474`, `vfs_read:12`.

    Args:
        site: the statement; it has lines.
        file: its file; the folders of its path may be missing.
        info: the debug info of the kernel or of the module.

    Raises:
        NotFound: the function is not in the file, or no code begins at any of the lines.
    """
    if any(ch in site.pattern for ch in "*?["):
        if site.lines.startswith("+"):
            raise NotFound(f"'{site.lines}' counts from one function, and '{site.pattern}' may be several")
        if site.lines.isdigit():
            return [f"{file}:{site.lines}"]
        return _of_file(site, file, info)
    found = info.lines_of(site.pattern)
    if isinstance(found, Miss):
        raise NotFound(found.reason)
    there = [one for one in found if f"/{one.file}".endswith(f"/{file}")]
    if not there:
        files = ", ".join(sorted({one.file for one in found}))
        raise NotFound(f"'{site.pattern}' is not in {file}", hint=f"it is in {files}")
    if site.lines.startswith("+"):
        return [
            f"{site.pattern}:{_near(site, there, int(site.lines) + there[0].declared) - there[0].declared}"
        ]
    if site.lines.isdigit():
        return [f"{file}:{_near(site, there, int(site.lines))}"]
    numbers = {one.line for function in there for one in function.lines}
    return _spelled(site, file, sorted(numbers))


def _near(site: AtFunction, functions: list[FunctionLines], line: int) -> int:
    """Return the line, or with `.nearest` the line of the function with code that is nearest to it."""
    numbers = [one.line for function in functions for one in function.lines]
    if not site.nearest or not numbers or line in numbers:
        return line
    return min(numbers, key=lambda number: (abs(number - line), number))


def _of_file(site: AtFunction, file: str, info: "DebugInfo") -> list[str]:
    spans = list(_spans(site.lines))
    lines = info.lines_in(file, min(first for first, _ in spans), max(last for _, last in spans))
    if isinstance(lines, Miss):
        raise NotFound(lines.reason)
    return _spelled(site, file, [one.line for one in lines.lines])


def _spelled(site: AtFunction, file: str, numbers: list[int]) -> list[str]:
    spans = list(_spans(site.lines))
    chosen = [n for n in numbers if any(first <= n <= last for first, last in spans)]
    if not chosen:
        raise NotFound(f"no code begins at {file}:{site.lines} in '{site.pattern}'")
    return [f"{file}:{n}" for n in chosen]


def _spans(lines: str) -> Iterator[tuple[int, int]]:
    """Yield the first and the last line of each part of `*` or `474-480,490`."""
    if lines == "*":
        yield 1, _LAST
        return
    for part in lines.split(","):
        first, _, last = part.partition("-")
        yield int(first), int(last or first)
