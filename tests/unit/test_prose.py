"""Check that docstrings, comments, messages and pages are plain English.

The words below are correct English, but the project uses them in a sense that a reader has to translate back.
Each has a plain replacement. What a list cannot check is in CONTRIBUTING.md, "How we write".
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.unit.docs.blocks import PAGES

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("ktrace", "tests", "benchmarks", "examples", "tools")
CODE = sorted(path for part in PARTS for path in ROOT.glob(f"{part}/**/*.py"))
TEXTS = [
    *PAGES,
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "CHANGELOG.md",
    ROOT / "Makefile",
    ROOT / "pyproject.toml",
    *sorted(path for path in ROOT.glob(".github/**/*") if path.is_file()),
    *sorted(ROOT.glob("completions/templates/*")),
    ROOT / "examples/README.md",
    *sorted(path for part in PARTS for path in ROOT.glob(f"{part}/**/*.sh")),
    *sorted(path for part in PARTS for path in ROOT.glob(f"{part}/**/*.stp")),
]

WORDS = {
    r"(?<!\bleft )(?<!\bleaves nothing )\bbehind\b": '"after"',
    r"(?<!\bthere )\b(?:is|are|was|were) no (?!longer\b|more\b)\w+": '"is not a", "has no"',
    r"\bof (?:its|their|one's|our|your|his|her) own\b": '"its own" before the noun',
    r"\banew\b": '"again", "new"',
    r"\bbesides?\b": '"next to", "in addition to"',
    r"\bso (?:many|much|long)\b(?! as\b| that\b| ago\b)": "the number, or what it depends on",
    r"\bmanieth\b": '"the index of"',
    r"\b(?:where|there)(?:of|upon|from)\b": '"of which", "of it"',
    r"\ball the same\b(?!, )": '"still", "anyway"',
    r"\bin one go\b": '"in one step"',
    r"\bstands? there\b": '"found", "is there"',
    r"\bis to be\b|\bare to be\b": '"must be", "should be"',
}
BEGINNINGS = re.compile(
    r"(?:What|Whether|That|Of|How|Why|Where|Which|Who|Whose|Those|Whatever|Whoever|As)\b|From .* to "
)
"""The beginnings of docstrings that are neither sentences nor questions."""

ALLOWED = {
    "tests/unit/test_prose.py": "lists the words",
    "ktrace/stream/merge.py: behind: ids of records": "the name of an argument",
}
"""Files, or `FILE: PART OF THE LINE`, that may have one of the words, with the reason."""


class Said(NamedTuple):
    """A text that a person reads, with its line, and whether it is a docstring."""

    line: int
    text: str
    is_docstring: bool = False


def said_in_code(source: str) -> Iterator[Said]:
    """Yield the docstrings, comments and messages of a module. A message is a string of several words."""
    tree = ast.parse(source)
    docstrings = set()
    for node in ast.walk(tree):
        for statement in getattr(node, "body", ()) if not isinstance(node, ast.Lambda | ast.IfExp) else ():
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                docstrings.add(value)
                yield Said(value.lineno, value.value, is_docstring=True)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
            yield Said(node.lineno, node.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Said(token.start[0], token.string)


def said_in_text(text: str) -> Iterator[Said]:
    """Yield the lines of a page or script, without code blocks, whose words others may have chosen."""
    in_block = False
    for number, line in enumerate(text.splitlines(), 1):
        in_block ^= line.startswith("```")
        if not in_block and not line.startswith("    "):
            yield Said(number, re.sub(r"`[^`]*`", "`code`", line))


def faults(said: Said) -> Iterator[str]:
    """Yield what is wrong with a text, and the replacement."""
    for pattern, better in WORDS.items():
        for match in re.finditer(pattern, said.text, re.IGNORECASE):
            yield f"{match[0]!r}: say {better}"
    is_question = said.text.partition("\n")[0].endswith("?")
    if said.is_docstring and not is_question and (match := BEGINNINGS.match(said.text)):
        yield f"a docstring begins with {match[0].split()[0]!r}: begin with a verb, or name the thing"


def faults_of(path: Path) -> list[str]:
    """Return the faults of a file that are not allowed."""
    name = str(path.relative_to(ROOT))
    source = path.read_text()
    found = []
    for said in said_in_code(source) if path.suffix == ".py" else said_in_text(source):
        for fault in faults(said):
            allowed = (entry.partition(": ") for entry in ALLOWED)
            if not any(file == name and part in said.text for file, _, part in allowed):
                found.append(f"{name}:{said.line}: {fault}")
    return found


def test_code_is_plain_english() -> None:
    assert [fault for path in CODE for fault in faults_of(path)] == []


def test_pages_and_scripts_are_plain_english() -> None:
    assert [fault for path in TEXTS for fault in faults_of(path)] == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('"""What a probe reads."""', 1),
        ('"""Return the probe."""', 0),
        ("x = 1  # the byte behind the record", 1),
        ('raise ValueError(f"{name} is no number")', 1),
        ('raise ValueError(f"there is no number {name}")', 0),
        ('def f():\n    """Whether it is on, in a buffer of its own."""', 2),
        ("class A:\n    x: int\n    '''Of several functions, the Nth.'''", 1),
    ],
)
def test_faults_are_found(source: str, count: int) -> None:
    assert sum(len(list(faults(said))) for said in said_in_code(source)) == count


def test_allowed_lines_exist() -> None:
    for entry in ALLOWED:
        name, _, part = entry.partition(": ")
        assert part in (ROOT / name).read_text(), entry
