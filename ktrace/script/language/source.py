"""Script text and positions, so that every message can give file, line and column and show the line."""

from bisect import bisect_right
from dataclasses import field

from ktrace.errors import UsageError
from ktrace.records import dataclass

DOLLAR = "\N{LATIN CAPITAL LETTER O WITH STROKE AND ACUTE}"
"""Replaces the `$` in a script's names, because Python names cannot contain it."""

OWN = "\N{LATIN SMALL LETTER O WITH STROKE}"
"""Ends the name of a local that is not the global variable of that name. No script can write it."""

COMMAND_LINE, STANDARD_INPUT = "<command line>", "<stdin>"
"""Names of sources that are not files."""


@dataclass(frozen=True, slots=True, eq=False)
class SourceFile:
    """One text that tokens come from.

    Attributes:
        name: a file's name, `COMMAND_LINE`, `STANDARD_INPUT`, `$1`.
        text: the whole text.
        tapset: whether it is part of ktrace's tapset rather than written by the user.
    """

    name: str
    text: str = field(repr=False)
    tapset: bool = False
    _starts: list[int] = field(default_factory=list, repr=False)

    def line_of(self, offset: int) -> tuple[int, int, str]:
        """Return the line and column of an offset, both from 1, and the line's text."""
        if not self._starts:
            self._starts.append(0)
            self._starts.extend(i + 1 for i, ch in enumerate(self.text) if ch == "\n")
        line = bisect_right(self._starts, offset)
        start = self._starts[line - 1]
        end = self.text.find("\n", start)
        return line, offset - start + 1, self.text[start : end if end >= 0 else None]


@dataclass(frozen=True, slots=True)
class Spot:
    """A position in a source; `offset` is in characters, from 0."""

    source: SourceFile
    offset: int

    def __str__(self) -> str:
        line, column, _ = self.source.line_of(self.offset)
        return f"{self.source.name}:{line}:{column}"

    @property
    def line(self) -> int:
        """Return the line number, from 1."""
        return self.source.line_of(self.offset)[0]


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Something that stands in a script, at the position `at`."""

    at: Spot


class ScriptError(UsageError):
    """A syntax error in a script or a request that ktrace cannot fulfil. The caret marks the position.

    Args:
        problem: what is wrong, without the position.
        at: the position.
    """

    def __init__(self, problem: str, at: Spot, *, hint: str | None = None) -> None:
        _, column, line = at.source.line_of(at.offset)
        problem = problem.replace(DOLLAR, "$").replace(OWN, "")
        super().__init__(f"{at}: {problem}", hint=hint, excerpt=line, caret=column - 1)
        self.problem = problem
        self.at = at


class NoSuchPoint(ScriptError):
    """A probe point that matches nothing. Only a point marked `?` or `!`, or a wildcard, may do that."""
