"""docs/api.md against what `import ktrace` offers."""

import inspect
import re

import pytest

import ktrace
from ktrace.model.batch import _INTERNAL
from tests.unit.docs.blocks import ROOT

PAGE = (ROOT / "docs/api.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def first_cells(section: str) -> list[str]:
    """Return the code in the first column of a section's table."""
    cells = re.findall(r"^\| (`.*?) \|", SECTIONS[section], re.MULTILINE)
    return [code for cell in cells for code in re.findall(r"`(.+?)`", cell)]


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_the_names() -> None:
    assert sorted(first_cells("Names")) == sorted(f"ktrace.{name}" for name in ktrace.__all__)


def test_the_members_of_a_session() -> None:
    members = [re.match(r"\w+", code)[0] for code in first_cells("ktrace.Session")]
    assert sorted(members) == sorted(public(ktrace.Session)) and len(members) <= 12


def test_the_members_of_a_batch() -> None:
    shown = {code for code in first_cells("ktrace.Batch") if code not in ("len(batch)", "batch[NAME]")}
    assert {re.match(r"\w+", code)[0] for code in shown} == public(ktrace.Batch) - _INTERNAL


def test_the_members_of_strings() -> None:
    code = " ".join(first_cells("ktrace.Strings"))
    assert all(re.search(rf"\b{name}\b", code) for name in public(ktrace.Strings))


SIGNATURES = {
    "add": ktrace.Session.add,
    "trace_event": ktrace.Session.trace_event,
    "filter": ktrace.Session.filter,
    "only_tasks": ktrace.Session.only_tasks,
    "only_cpus": ktrace.Session.only_cpus,
    "stream": ktrace.Session.stream,
    "close": ktrace.Session.close,
    "Session": ktrace.Session,
    "read": ktrace.read,
    "sql": ktrace.sql,
    "take": ktrace.Batch.take,
    "to_polars": ktrace.Batch.to_polars,
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_arguments_and_defaults(name: str) -> None:
    """The page writes a signature without types: `add(place, *args, at_return=False)`."""
    signature = inspect.signature(SIGNATURES[name])
    plain = [one.replace(annotation=one.empty) for one in signature.parameters.values() if one.name != "self"]
    text = str(signature.replace(parameters=plain, return_annotation=signature.empty))
    assert f"`{name}{text}`" in PAGE


@pytest.mark.parametrize("name", ktrace.__all__)
def test_each_is_documented(name: str) -> None:
    value = getattr(ktrace, name)
    for member in [value, *(getattr(value, n) for n in public(value))] if isinstance(value, type) else []:
        documented = inspect.getdoc(member)
        assert documented or not callable(member), member


def test_each_method_says_what_it_raises_and_shows_an_example() -> None:
    methods = [ktrace.Session, ktrace.read, ktrace.sql]
    methods += [getattr(ktrace.Session, name) for name in ("add", "trace_event", "filter", "only_tasks")]
    methods += [getattr(ktrace.Session, name) for name in ("only_cpus", "stream")]
    for method in methods:
        text = inspect.getdoc(method) or ""
        assert "Raises:" in text and "Args:" in text, method
        assert re.search(r"^(with ktrace|session\.|for batch in|frame = )", text, re.MULTILINE), method
