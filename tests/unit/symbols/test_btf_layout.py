from ktrace.model.ctype import Record
from ktrace.model.miss import Miss
from ktrace.symbols.btf import Btf
from ktrace.symbols.btf_layout import Row, layout
from tests.unit.symbols.btf_writer import BtfWriter


def example() -> tuple[Btf, Record]:
    w = BtfWriter()
    int_ = w.int_("int", 4, 1)
    pair = w.struct_("pair", 8, [("a", int_, 0), ("b", int_, 32)])
    either = w.union("", 8, [("number", w.int_("long int", 8, 1), 0), ("pair", pair, 0)])
    bits = w.struct_("", 4, [("low", int_, 0, 3), ("high", int_, 3, 29)])
    members = [("p", w.ptr(pair), 0), ("", either, 64), ("flags", bits, 128), ("tail", w.array(int_, 0), 192)]
    w.struct_("outer", 24, members)
    btf = Btf(w.to_bytes(), "blob")
    record = btf.record("struct", "outer")
    assert isinstance(record, Record)
    return btf, record


def test_members_with_offsets() -> None:
    btf, record = example()
    assert layout(record, btf.members) == (
        Row(0, 0, 8, 0, "struct pair *p"),
        Row(64, 0, 8, 0, "union"),
        Row(64, 0, 8, 1, "long int number"),
        Row(64, 0, 8, 1, "struct pair pair"),
        Row(128, 0, 4, 0, "struct {...} flags"),
        Row(192, 0, 0, 0, "int tail[]"),
    )


def test_members_of_a_member_count_from_the_outermost_start() -> None:
    btf, record = example()
    assert layout(record, btf.members, ("pair",)) == (Row(64, 0, 4, 0, "int a"), Row(96, 0, 4, 0, "int b"))
    assert layout(record, btf.members, ("pair", "b")) == (Row(96, 0, 4, 0, "int b"),)
    assert layout(record, btf.members, ("flags",)) == (
        Row(128, 3, 4, 0, "int low:3"),
        Row(131, 29, 4, 0, "int high:29"),
    )


def test_members_that_there_are_not() -> None:
    btf, record = example()
    missing = layout(record, btf.members, ("pair", "c"))
    assert missing == Miss("struct pair", "no member 'c'", ("a", "b"))
    near = layout(record, btf.members, ("numbr",))
    assert isinstance(near, Miss) and near.near == ("p", "number", "pair", "flags", "tail")
    assert isinstance(layout(record, btf.members, ("p", "a")), Miss)  # reached through a pointer


def test_a_struct_within_itself_is_shown_once() -> None:
    w = BtfWriter()
    w.struct_("s", 8, [("", 1, 0), ("", 1, 0)])
    btf = Btf(w.to_bytes(), "blob")
    record = btf.record("struct", "s")
    assert isinstance(record, Record)
    assert layout(record, btf.members) == (Row(0, 0, 8, 0, "struct"), Row(0, 0, 8, 0, "struct"))
