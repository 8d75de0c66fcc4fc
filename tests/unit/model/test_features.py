"""The list of features, and everything that shows it."""

from dataclasses import fields
from pathlib import Path

import pytest

from ktrace.model.features import ELSEWHERE, FEATURES, Features, table

ROOT = Path(__file__).resolve().parents[3]


def test_one_entry_for_each_field() -> None:
    assert [one.name for one in FEATURES] == [field.name for field in fields(Features)]


@pytest.mark.parametrize("one", FEATURES, ids=lambda one: one.name)
def test_each_is_shown_by_a_line_or_a_file(one) -> None:
    assert bool(one.readme) != bool(one.file)
    assert not one.after or one.readme


@pytest.mark.parametrize("one", FEATURES, ids=lambda one: one.name)
def test_what_shows_a_feature_shows_it(one) -> None:
    found = Features.find(f"{one.after} {one.readme}\n", lambda path: path == one.file)
    assert getattr(found, one.name)


def test_nothing_is_shown_by_nothing() -> None:
    assert Features.find("", lambda path: False) == Features()


def test_files_are_asked_for_by_their_name() -> None:
    assert Features.find("kprobe_events", lambda path: path == "snapshot") == Features(snapshot=True)


def test_the_documentation_has_the_table() -> None:
    page = (ROOT / "docs/commands/doctor.md").read_text()
    rows = [f"| {' | '.join(row)} |" for row in table()]
    assert "\n".join(["| feature | gives | shown by | since |", "|---|---|---|---|", *rows]) in page


def test_nothing_stands_twice() -> None:
    names = [one.name for one in (*FEATURES, *ELSEWHERE)]
    words = [one.gives for one in (*FEATURES, *ELSEWHERE) if one.gives]
    assert len(set(names)) == len(names) and len(set(words)) == len(words)
