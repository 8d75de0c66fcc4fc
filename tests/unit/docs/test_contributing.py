"""Everything that CONTRIBUTING.md and the table of changes in docs/architecture.md name exists."""

import re

import pytest

from tests.unit.docs.blocks import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
FILES = sorted(set(re.findall(r"\b(?:ktrace|tests|docs|tools|examples|completions)/[\w./-]*\w\b/?", TEXT)))
CHANGES = (ROOT / "docs/architecture.md").read_text().split("| a change |")[1].split("\n\n")[0]
PLACES = re.findall(r"`([a-z][a-z_/]+)`", CHANGES)


@pytest.mark.parametrize(
    "name", [name for name in FILES if not re.search(r"[A-Z]{2}", name.replace("README", ""))]
)
def test_files(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize("place", PLACES)
def test_places_of_changes(place: str) -> None:
    """Below ktrace/, or in the project; `text_...` is the beginning of several names."""
    assert any(list(folder.glob(f"{place}*")) for folder in (ROOT / "ktrace", ROOT))


def test_targets_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"\bmake ([a-z][a-z-]+)", TEXT))
    assert {"check", "test", "test-kernel"} <= targets
    assert all(re.search(rf"^(\S+ )*{target}( \S+)*:", makefile, re.MULTILINE) for target in targets)
