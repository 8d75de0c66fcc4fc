"""Read the examples in README.md and docs/: commands, and the output that they should print.

A block of `console` after a line `<!-- test: kernel -->` or `<!-- test: anywhere -->` is run. Lines that
begin with `$ ` or `# `, like its first line, are commands. The other lines are their output, on either
stream. A number stands for any number, `...` for any text, and a line that is only `...` for any lines.
Blocks of `python` are run on a kernel after `<!-- test: kernel -->`, otherwise anywhere.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(r"<!-- test: (\w+) -->\n+```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PYTHON = re.compile(r"(?:<!-- test: (kernel) -->\n+)?^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A task, its CPU, the flags and the time, which differ from kernel to kernel.
_HEAD = re.compile(r"-\d+ +\[\d+\] \S+ +[\d.]+:")
_SESSION = re.compile(r"\bktrace_\d+_\d+(?:_\d+)?\b")
_NUMBER = re.compile(r"(?<![A-Za-z_])(?:0x)?[0-9a-f]*\d[0-9a-f.]*")


@dataclass(frozen=True)
class Step:
    """One command, and the text that it should print."""

    command: str
    expected: str


@dataclass(frozen=True)
class Block:
    """One example: commands in a row. `name` is its page and line."""

    name: str
    steps: tuple[Step, ...]


def blocks(where: str) -> list[Block]:
    """All examples marked `where`: `kernel` or `anywhere`."""
    return [block for page in PAGES for marked, block in _read(page) if marked == where]


def python_blocks(where: str = "anywhere") -> list[tuple[str, str]]:
    """Page and line, and text, of all examples in Python; those marked for a kernel apart."""
    found = [(page, match) for page in PAGES for match in _PYTHON.finditer(page.read_text())]
    return [(_name(page, match), match[2]) for page, match in found if (match[1] or "anywhere") == where]


def agrees(text: str, expected: str) -> bool:
    """Return whether a command printed what its example shows."""
    pieces = [re.escape(piece) for piece in _plain(expected).split("...")]
    return re.fullmatch(".*".join(pieces), _plain(text), re.DOTALL) is not None


def _plain(text: str) -> str:
    text = _SESSION.sub("ktrace_1_1", _HEAD.sub("-1 [1] flags 1:", text))
    text = re.sub(r"(?m)^\.\.\.\n", "...", text)
    return re.sub(r"[ \t]+", " ", _NUMBER.sub("1", text)).strip()


def _read(page: Path) -> Iterator[tuple[str, Block]]:
    for match in _BLOCK.finditer(page.read_text()):
        steps: list[Step] = []
        for line in match[2].splitlines(keepends=True):
            if line[:2] == match[2][:2]:
                steps.append(Step(line[2:].strip(), ""))
            else:
                steps[-1] = Step(steps[-1].command, steps[-1].expected + line)
        yield match[1], Block(_name(page, match), tuple(steps))


def _name(page: Path, match: re.Match[str]) -> str:
    line = page.read_text().count("\n", 0, match.start()) + 1
    return f"{page.relative_to(ROOT)}:{line}"
