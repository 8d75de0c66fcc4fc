"""Blobs that are cut short, changed or make no sense: one clear error, never a wrong answer."""

import struct
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.errors import Damaged
from ktrace.model.ctype import (
    Record,
    signature,
)
from ktrace.symbols.btf import Btf
from ktrace.symbols.btf_index import Table
from tests.unit.symbols.btf_samples import every_kind, found, module
from tests.unit.symbols.btf_writer import BtfWriter


def look_at_everything(blob: bytes, base: Btf | None = None) -> None:
    """Every look-up ends in an answer or in `Damaged`, which points into the blob."""
    try:
        btf = Btf(blob, "blob", base)
    except Damaged as error:
        assert 0 <= error.offset <= len(blob)
        assert str(error.offset) in error.message
        return
    asked = [
        lambda: [signature(f) for n in ("first", "print", "yes") for f in found(btf, n)],
        lambda: [btf.members(r) for r in [btf.record("struct", "file")] if isinstance(r, Record)],
        lambda: btf.enum("color"),
        lambda: btf.enum("wide"),
        lambda: btf.typedef("text_t"),
        lambda: list(btf.names("function")),
        lambda: [btf._decoder.type(i) for i in range(btf.type_count)],
    ]
    for ask in asked:
        try:
            ask()
        except Damaged as error:
            assert 0 <= error.offset <= len(blob)


def test_cut_short_anywhere() -> None:
    blob = every_kind().to_bytes()
    for length in range(len(blob)):
        with pytest.raises(Damaged) as caught:
            Btf(blob[:length], "blob")
        assert 0 <= caught.value.offset <= length


def test_a_type_section_that_ends_within_a_record() -> None:
    blob = bytearray(every_kind().to_bytes())
    (length,) = struct.unpack_from("=I", blob, 12)
    for words in range(1, 4):
        struct.pack_into("=I", blob, 12, length - 4 * words)
        if words == 3:  # exactly one record fewer
            Btf(bytes(blob), "blob")
            continue
        with pytest.raises(Damaged, match="after the type section's end"):
            Btf(bytes(blob), "blob")
    w = BtfWriter()
    w.array(w.int_("int", 4, 1), 3)
    blob = bytearray(w.to_bytes())
    struct.pack_into("=I", blob, 12, 16 + 20)
    with pytest.raises(Damaged, match="after the type section's end") as caught:
        Btf(bytes(blob), "blob")
    assert caught.value.offset == 24 + 16


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_random_damage(data: st.DataObject) -> None:
    blob = bytearray(every_kind().to_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(blob) - 1))
        blob[at] = data.draw(st.integers(0, 255))
    look_at_everything(bytes(blob))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_damage_to_a_module(data: st.DataObject) -> None:
    base, own = module()
    blob = bytearray(own.to_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    look_at_everything(bytes(blob), Btf(base.to_bytes(), "vmlinux"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_anything_after_a_good_beginning(tail: bytes) -> None:
    look_at_everything(struct.pack("=HBBI", 0xEB9F, 1, 0, 24) + tail)


def test_typedefs_in_a_circle() -> None:
    w = BtfWriter()
    w.typedef("a", 2)
    w.typedef("b", 1)
    w.function("f", 1, [("x", 2)])
    btf = Btf(w.to_bytes(), "blob")
    for ask in (lambda: btf.typedef("a"), lambda: btf.functions("f")):
        with pytest.raises(Damaged, match="part of itself") as caught:
            ask()
        assert caught.value.offset in (24, 36)


def test_types_nested_without_end() -> None:
    w = BtfWriter()
    last = w.int_("int", 4, 1)
    for _ in range(5000):
        last = w.ptr(last)
    w.typedef("deep", last)
    with pytest.raises(Damaged, match="part of itself"):
        Btf(w.to_bytes(), "blob").typedef("deep")


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (("x", 1, 40), "beyond the end"),
        (("x", 1, 4), "within a byte"),
        (("x", 1, 0, 40), "beyond the end"),
        (("x", 1, 50, 15), "beyond the end"),
    ],
)
def test_members_at_impossible_places(member: tuple[str, int, int], message: str) -> None:
    w = BtfWriter()
    w.int_("int", 4, 1)
    w.struct_("s", 8, [member])
    btf = Btf(w.to_bytes(), "blob")
    record = btf.record("struct", "s")
    assert isinstance(record, Record)
    with pytest.raises(Damaged, match=message):
        btf.members(record)


def test_what_is_no_type_cannot_be_used_as_one() -> None:
    w = BtfWriter()
    w.int_("int", 4, 1)
    w.func("f", w.proto(1, []))
    w.typedef("t", 3)
    w.function("g", 99, [])
    w.func("h", 1)
    btf = Btf(w.to_bytes(), "blob")
    with pytest.raises(Damaged, match="it is a function"):
        btf.typedef("t")
    with pytest.raises(Damaged, match="no type 99"):
        btf.functions("g")
    with pytest.raises(Damaged, match="no prototype"):
        btf.functions("h")


def test_a_table_of_another_blob_is_made_anew() -> None:
    blob = every_kind().to_bytes()
    good = Btf(blob, "blob").table
    assert Btf(blob, "blob", table=good).table is good
    short = Table(array("I", good.offsets[:-1]), good.first_function)
    assert Btf(blob, "blob", table=short).table == good
    assert Btf(blob, "blob", table=Table(array("I", [4_000_000]), 0)).table == good
