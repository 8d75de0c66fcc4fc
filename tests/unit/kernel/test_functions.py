"""Functions by wildcard and expression: what can be probed, and what is said of the rest."""

import json
from pathlib import Path

import pytest

from ktrace.errors import NotFound, Unavailable, UsageError
from ktrace.kernel.functions import BLACKLISTED, INLINED, NOTRACE, find_functions
from ktrace.output.views.funcs import function_record, functions_text
from tests.unit.output.schema import SCHEMA, fits
from tests.unit.session.places import NEW_README, BuiltKernel


@pytest.fixture
def here(tmp_path: Path) -> BuiltKernel:
    return BuiltKernel(tmp_path, NEW_README)


def test_by_wildcard(here: BuiltKernel) -> None:
    rows = find_functions("vfs_*", here)
    assert [(r.name, r.why_not) for r in rows] == [
        ("vfs_read", None), ("vfs_write", None), ("vfs_secret", BLACKLISTED), ("vfs_hidden", NOTRACE)
    ]  # fmt: skip
    assert [r.probeable for r in rows] == [True, True, False, False]
    assert here.read == ["symbols"]
    assert [r.name for r in find_functions("vfs_*", here, probeable=True)] == ["vfs_read", "vfs_write"]


@pytest.mark.parametrize("unread", ["traceable", "blacklist"])
def test_lists_that_cannot_be_read(here: BuiltKernel, unread: str) -> None:
    setattr(here, unread, None)
    rows = {row.name: row for row in find_functions("vfs_*", here)}
    assert rows["vfs_read"].probeable is None and rows["vfs_read"].why_not is None
    known = "vfs_secret" if unread == "traceable" else "vfs_hidden"
    assert rows[known].probeable is False
    assert functions_text(list(rows.values()), 80).splitlines()[1].split() == ["?", "-", "vfs_read"]
    assert fits(json.loads(function_record(rows["vfs_read"])), SCHEMA)
    with pytest.raises(Unavailable, match="which functions can be probed is not known"):
        find_functions("vfs_*", here, probeable=True)


def test_by_expression(here: BuiltKernel) -> None:
    assert [r.name for r in find_functions("/_(read|write)$/", here)] == ["vfs_read", "vfs_write"]
    with pytest.raises(UsageError) as caught:
        find_functions("/(/", here)
    assert caught.value.caret == 1


def test_of_a_module(here: BuiltKernel) -> None:
    assert [r.name for r in find_functions("*", here, module="mod")] == ["open_it"]
    with pytest.raises(NotFound, match="module none is not loaded"):
        find_functions("*", here, module="none")


def test_declarations(here: BuiltKernel) -> None:
    rows = {r.name: r.signature for r in find_functions("*", here, signatures=True)}
    assert rows["vfs_read"] == "long int vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)"
    assert rows["twice"] == "int twice(int a) | int twice(long int b)"
    assert rows["lookup.isra.0"] is None and rows["kernel_clone"] is None


def test_inlined_and_unknown(here: BuiltKernel) -> None:
    (row,) = find_functions("by_value", here)
    assert row.symbol is None and row.why_not == INLINED
    with pytest.raises(NotFound) as caught:
        find_functions("vfs_reed", here)
    assert "vfs_read" in (caught.value.hint or "")


def test_output(here: BuiltKernel) -> None:
    rows = [*find_functions("vfs_*", here, signatures=True), *find_functions("by_value", here)]
    records = [json.loads(function_record(row)) for row in rows]
    assert all(fits(record, SCHEMA) for record in records)
    assert records[0]["address"] == "0xffffffff81000010" and records[-1]["address"] is None
    text = functions_text(rows, None)
    assert "no     -       vfs_secret  (on the kprobe blacklist)" in text
