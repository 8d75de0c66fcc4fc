"""The table of fetch types, and everything that shows it."""

import re
from pathlib import Path

import pytest

from ktrace.cli.commands import add
from ktrace.model.ctype import Array, CType, Enum, Float, Int, Pointer, Void, fetch_type
from ktrace.model.features import FEATURES
from ktrace.model.fetch_types import (
    BY_NAME,
    PATTERN,
    TYPES,
    integer_type,
    is_text,
    parse_type,
    summary,
    table,
)
from ktrace.model.format import parse_format

ROOT = Path(__file__).resolve().parents[3]
EVERY_TYPE = pytest.mark.parametrize("one", TYPES, ids=lambda one: one.name)

# name: size, signed, column, scalar, in arrays: written out, so that a slip in the table is seen.
EXPECTED = {
    "u8": (1, False, "int64", True, True),
    "u32": (4, False, "int64", True, True),
    "u64": (8, False, "uint64", True, True),
    "s16": (2, True, "int64", True, True),
    "s64": (8, True, "int64", True, True),
    "x8": (1, False, "uint64", True, True),
    "x64": (8, False, "uint64", True, True),
    "char": (1, True, "Strings", True, True),
    "string": (8, False, "Strings", False, True),
    "ustring": (8, False, "Strings", False, True),
    "symbol": (8, False, "uint64", True, True),
    "symstr": (8, False, "Strings", True, True),
    "path": (8, False, "Strings", False, False),
    "%pd": (8, False, "Strings", False, False),
    "%pD": (8, False, "Strings", False, False),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_table(name: str) -> None:
    one = BY_NAME[name]
    assert (one.size, one.signed, one.column, one.is_scalar, one.in_arrays) == EXPECTED[name]


def test_names_are_different() -> None:
    assert len(BY_NAME) == len(TYPES)


@EVERY_TYPE
def test_the_format_file_that_the_kernel_makes_says_how_it_is_printed(one) -> None:
    is_reference = one.ctype.startswith("__data_loc")
    declared = one.ctype + ("[]" if is_reference else "")
    place = f"offset:8;\tsize:{4 if is_reference else one.size};\tsigned:{int(one.signed)};"
    fields = f"format:\n\tfield:{declared} a;\t{place}\n"
    form = parse_format(f'name: e\nID: 1\n{fields}\nprint fmt: "(%lx) a={one.spec}", REC->a\n')
    (arg,), (field,) = form.signature().args, form.fields
    assert arg.print_as == one.print_as
    assert field.signed == one.signed
    assert field.width == (1 if is_reference else one.size)


@EVERY_TYPE
def test_a_feature_that_a_type_needs_is_one_of_the_list(one) -> None:
    assert one.feature in ("", *(feature.name for feature in FEATURES))
    assert not one.feature or one.since


@EVERY_TYPE
def test_each_name_matches_the_pattern_alone(one) -> None:
    assert re.fullmatch(PATTERN, one.name)
    assert not re.fullmatch(PATTERN, one.name + "x")


@pytest.mark.parametrize(
    ("text", "name", "count", "known", "bits", "number"),
    [
        ("u8", "u8", None, True, False, True),
        ("u8[0x10]", "u8", "0x10", True, False, True),
        ("u8[]", "u8", "", True, False, True),
        ("string[2]", "string", "2", True, False, False),
        ("b4@2/32", "b4@2/32", None, False, True, True),
        ("b4@2/33", "b4@2/33", None, False, False, False),
        ("%pd", "%pd", None, True, False, False),
        ("%pd[2]", "%pd[2]", None, False, False, False),
        ("u128", "u128", None, False, False, False),
        ("u8[1]x", "u8[1]x", None, False, False, False),
        ("", "", None, False, False, False),
    ],
)
def test_taking_a_type_apart(
    text: str, name: str, count: str | None, known: bool, bits: bool, number: bool
) -> None:
    word = parse_type(text)
    assert (word.name, word.count, word.base is not None) == (name, count, known)
    assert (word.is_bits, word.is_number) == (bits, number)


@pytest.mark.parametrize(
    ("ctype", "type_"),
    [
        (Int("int", 4, True), "s32"),
        (Int("unsigned long", 8, False), "u64"),
        (Int("_Bool", 1, True, "bool"), "u8"),
        (Int("__int128", 16, True), None),
        (Enum("e", 4, False), "u32"),
        (Enum("e", 8, True), "s64"),
        (Pointer(Void()), "x64"),
        (Float("double", 8), None),
        (Array(Int("int", 4, True), 2), None),
    ],
)
def test_the_type_of_a_c_type(ctype: CType, type_: str | None) -> None:
    assert fetch_type(ctype) == type_


def test_names_of_integers() -> None:
    assert [integer_type(size, signed=True) for size in (1, 2, 4, 8)] == ["s8", "s16", "s32", "s64"]
    assert [integer_type(size, signed=False) for size in (1, 2, 4, 8)] == ["u8", "u16", "u32", "u64"]


def test_texts() -> None:
    assert [name for name in (*BY_NAME, None, "string[2]") if is_text(name)] == ["string", "ustring"]


def test_the_documentation_has_the_table() -> None:
    rows = [f"| {' | '.join(row)} |" for row in table()]
    page = (ROOT / "docs/commands/add.md").read_text()
    assert "\n".join(["| type | bytes | reads | since |", "|---|---|---|---|", *rows]) in page


def test_help_names_every_type() -> None:
    help_text = " ".join((add.add.__doc__ or "").split())
    assert f"Types: {summary()} " in help_text


def test_completions_offer_every_type() -> None:
    names = " ".join(one.name for one in TYPES)
    for file in ("ktrace.bash", "_ktrace", "ktrace.fish"):
        assert names in (ROOT / "completions" / file).read_text()
