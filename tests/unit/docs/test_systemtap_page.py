"""docs/systemtap.md names every family of the tapset, and no other."""

import re
from importlib import resources
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs/systemtap.md"


def test_the_families_are_those_that_are_there() -> None:
    (row,) = re.findall(r"^\| tapset \| [^|]* \| ([^;]*);", PAGE.read_text(), re.MULTILINE)
    listed = set(re.sub(r" \([^)]*\)", "", row).split(", ")) - {"syscall", "nd_syscall"}
    files = resources.files("ktrace.script.tapset").iterdir()
    assert listed == {file.name.removesuffix(".stp") for file in files if file.name.endswith(".stp")}
