import struct
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.errors import Damaged
from ktrace.model.ctype import (
    Array,
    Enum,
    Float,
    Forward,
    FuncProto,
    Function,
    Int,
    Member,
    Param,
    Pointer,
    Qualified,
    Record,
    Tagged,
    Typedef,
    Void,
    signature,
)
from ktrace.model.miss import Miss
from ktrace.symbols.btf import Btf
from ktrace.symbols.btf_index import Table
from tests.unit.symbols.btf_writer import BtfWriter

INT = Int("int", 4, True, bits=32)


def every_kind() -> BtfWriter:
    """One blob with all of the kinds 1 to 19."""
    w = BtfWriter()
    int_ = w.int_("int", 4, 1)
    char = w.int_("char", 1)
    bool_ = w.int_("_Bool", 1, 4)
    path = w.struct_("path", 16, [("mnt", w.ptr(0), 0), ("dentry", w.ptr(w.fwd("dentry")), 64)])
    anonymous = w.union("", 8, [("i", int_, 0), ("d", w.float_("double", 8), 0)])
    flags = w.struct_("flags", 4, [("low", int_, 0, 3), ("high", int_, 3, 29)])
    w.struct_(
        "file",
        48,
        [("f_path", path, 0), ("", anonymous, 128), ("name", w.array(char, 8), 192), ("fl", flags, 256)],
    )
    w.enum("color", [("RED", 0), ("BLUE", 7)])
    w.enum("sign", [("MINUS", -1)], signed=True)
    w.enum64("wide", [("BIG", 1 << 40), ("ALL", (1 << 64) - 1)])
    w.enum64("widesign", [("NEG", -(1 << 40))], signed=True)
    text = w.ptr(w.const(char))
    w.typedef("text_t", w.volatile(w.restrict(text)))
    user = w.ptr(w.type_tag("user", char))
    w.function("first", int_, [("file", w.ptr(7)), ("buf", user)], linkage=1)
    w.function("print", 0, [("fmt", text), ("", 0)])
    w.datasec(".data..percpu", 8, [(w.var("counter", int_), 0, 4)])
    w.decl_tag("kfunc", 1, 0)
    w.function("yes", bool_, [])
    return w


@pytest.fixture
def btf() -> Btf:
    return Btf(every_kind().to_bytes(), "blob")


def test_functions(btf: Btf) -> None:
    record = btf.record("struct", "file")
    user_text = Pointer(Tagged("user", Int("char", 1, False, bits=8)))
    proto = FuncProto(INT, (Param("file", Pointer(Typedef("x", INT))), Param("buf", user_text)))
    (found,) = btf.functions("first")  # type: ignore[misc]
    assert isinstance(record, Record)
    assert isinstance(found, Function)
    assert found.linkage == "global"
    assert found.proto.params[1] == proto.params[1]
    assert found.proto.returns == INT
    (variadic,) = btf.functions("print")  # type: ignore[misc]
    assert signature(variadic) == "void print(const char *fmt, ...)"


def test_records_with_anonymous_members_and_bitfields(btf: Btf) -> None:
    record = btf.record("struct", "file")
    assert isinstance(record, Record)
    path, anonymous, name, flags = btf.members(record)
    assert (path.name, path.bit_offset, path.bit_size) == ("f_path", 0, 0)
    assert anonymous.name == ""
    assert isinstance(anonymous.type, Record)
    assert [m.name for m in btf.members(anonymous.type)] == ["i", "d"]
    assert btf.members(anonymous.type)[1].type == Float("double", 8)
    assert name.type == Array(Int("char", 1, False, bits=8), 8)
    assert isinstance(flags.type, Record)
    assert btf.members(flags.type) == (Member("low", INT, 0, 3), Member("high", INT, 3, 29))
    assert isinstance(path.type, Record)
    assert btf.members(path.type)[1].type == Pointer(Forward("struct", "dentry"))


def test_enums_of_both_widths_and_signs(btf: Btf) -> None:
    assert btf.enum("color") == Enum("color", 4, False, (("RED", 0), ("BLUE", 7)))
    assert btf.enum("sign") == Enum("sign", 4, True, (("MINUS", -1),))
    assert btf.enum("wide") == Enum("wide", 8, False, (("BIG", 1 << 40), ("ALL", (1 << 64) - 1)))
    assert btf.enum("widesign") == Enum("widesign", 8, True, (("NEG", -(1 << 40)),))


def test_typedefs_and_qualifiers(btf: Btf) -> None:
    char = Int("char", 1, False, bits=8)
    text = Pointer(Qualified("const", char))
    assert btf.typedef("text_t") == Typedef("text_t", Qualified("volatile", Qualified("restrict", text)))


def test_what_is_not_there_is_a_value(btf: Btf) -> None:
    assert btf.functions("nothing") == Miss("blob", "no function 'nothing' in its BTF")
    assert isinstance(btf.record("union", "file"), Miss)  # it is a struct
    assert isinstance(btf.record("struct", ""), Miss)
    assert isinstance(btf.enum("RED"), Miss)
    assert isinstance(btf.typedef("file\0"), Miss)
    assert isinstance(btf.functions("fi"), Miss)


def test_names_of_a_kind(btf: Btf) -> None:
    assert list(btf.names("function")) == ["first", "print", "yes"]


def test_functions_of_one_name_are_all_found_equal_ones_once() -> None:
    w = BtfWriter()
    int_ = w.int_("int", 4, 1)
    w.function("init", int_, [])
    w.function("init", int_, [("n", int_)])
    w.function("init", int_, [])
    found = Btf(w.to_bytes(), "blob").functions("init")
    assert not isinstance(found, Miss)
    assert [signature(f) for f in found] == ["int init(void)", "int init(int n)"]


def test_functions_that_differ_only_in_the_struct_behind_a_name() -> None:
    w = BtfWriter()
    int_ = w.int_("int", 4, 1)
    for offset in (0, 32):
        struct_ = w.struct_("ctx", 8, [("n", int_, offset)])
        w.function("init", int_, [("ctx", w.ptr(w.const(struct_)))])
    assert len(found(Btf(w.to_bytes(), "blob"), "init")) == 2


def test_a_name_that_shares_the_end_of_another() -> None:
    w = BtfWriter()
    int_ = w.int_("int", 4, 1)
    w.function("vfs_read", int_, [])
    blob = bytearray(w.to_bytes())
    name = blob.index(b"vfs_read") - (len(blob) - len(w._strings))
    at = blob.index(struct.pack("=I", name))
    blob[at : at + 4] = struct.pack("=I", name + 4)
    found = Btf(bytes(blob), "blob").functions("read")
    assert not isinstance(found, Miss)
    assert found[0].name == "read"


def test_names_at_small_and_large_string_offsets() -> None:
    w = BtfWriter()
    int_ = w.int_("int", 4, 1)
    for n in range(300):
        w.function(f"function_number_{n}", int_, [("n", int_)])
        w.typedef(f"type_{n}", int_)
    btf = Btf(w.to_bytes(), "blob")
    for n in range(300):
        assert not isinstance(btf.functions(f"function_number_{n}"), Miss)
        assert not isinstance(btf.typedef(f"type_{n}"), Miss)


def test_the_first_function_by_a_name_at_a_large_offset() -> None:
    w = BtfWriter()
    int_ = w.int_("int", 4, 1)
    for n in range(200):
        w.typedef(f"a_long_name_{n}", int_)
    w.function("first", int_, [])
    assert not isinstance(Btf(w.to_bytes(), "blob").functions("first"), Miss)


def module() -> tuple[BtfWriter, BtfWriter]:
    base = BtfWriter()
    int_ = base.int_("int", 4, 1)
    base.struct_("net", 8, [("id", int_, 0)])
    base.function("both", int_, [])
    own = BtfWriter(base)
    own.function("probe_one", 2, [("net", own.ptr(2)), ("id", int_)])
    own.function("both", int_, [("net", own.ptr(2))])
    own.struct_("adapter", 8, [("net", own.ptr(2), 0)])
    return base, own


def test_a_module_continues_the_types_and_strings_of_vmlinux() -> None:
    base, own = module()
    vmlinux = Btf(base.to_bytes(), "vmlinux")
    btf = Btf(own.to_bytes(), "module", vmlinux)
    (found,) = btf.functions("probe_one")  # type: ignore[misc]
    assert signature(found) == "struct net probe_one(struct net *net, int id)"
    adapter = btf.record("struct", "adapter")
    net = btf.record("struct", "net")
    assert isinstance(adapter, Record)
    assert isinstance(net, Record)
    assert btf.members(adapter)[0].type == Pointer(net)
    assert [m.name for m in btf.members(net)] == ["id"]
    assert isinstance(vmlinux.record("struct", "adapter"), Miss)
    (both,) = btf.functions("both")  # type: ignore[misc]
    assert len(both.proto.params) == 1  # the module's own comes first
    assert sorted(btf.names("function")) == ["both", "both", "probe_one"]


def test_the_first_string_of_a_module_is_found() -> None:
    base, _ = module()
    own = BtfWriter(base)
    own.typedef("very_first", 1)
    assert isinstance(Btf(own.to_bytes(), "m", Btf(base.to_bytes(), "v")).typedef("very_first"), Typedef)


def test_a_prototype_behind_a_typedef() -> None:
    w = BtfWriter()
    w.typedef("btf_trace_x", w.ptr(w.proto(0, [("", w.ptr(0))])))
    btf = Btf(w.to_bytes(), "blob")
    assert btf.prototype("btf_trace_x") == FuncProto(Void(), (Param("", Pointer(Void())),))
    assert isinstance(btf.prototype("other"), Miss)


def test_a_member_of_the_old_bitfield_kind() -> None:
    w = BtfWriter()
    three = w.int_("int", 4, 0, bits=3, bit_offset=2)
    w.struct_("old", 4, [("x", three, 8)])
    btf = Btf(w.to_bytes(), "blob")
    record = btf.record("struct", "old")
    assert isinstance(record, Record)
    assert btf.members(record)[0].bit_offset == 10
    assert btf.members(record)[0].bit_size == 3


# The header.


def test_the_other_byte_order_is_named() -> None:
    blob = every_kind().to_bytes()
    with pytest.raises(Damaged, match="other byte order"):
        Btf(blob[1::-1] + blob[2:], "blob")


@pytest.mark.parametrize(
    ("at", "value", "message", "offset"),
    [
        (0, b"\x7fE", "no BTF", 0),
        (2, b"\x02", "version 2", 2),
        (3, b"\x01", "unknown flags", 3),
        (4, struct.pack("=I", 20), "header cannot have 20", 4),
        (4, struct.pack("=I", 26), "header cannot have 26", 4),
        (4, struct.pack("=I", 1 << 31), "header cannot have", 4),
        (8, struct.pack("=I", 2), "whole number of words", 8),
        (12, struct.pack("=I", 1 << 30), "after the data's end", 8),
        (16, struct.pack("=I", 0), "overlap", 8),
        (20, struct.pack("=I", 1 << 30), "after the data's end", 16),
    ],
)
def test_headers_that_make_no_sense(at: int, value: bytes, message: str, offset: int) -> None:
    blob = bytearray(every_kind().to_bytes())
    blob[at : at + len(value)] = value
    with pytest.raises(Damaged, match=message) as caught:
        Btf(bytes(blob), "blob")
    assert caught.value.offset == offset


def test_a_longer_header_with_nothing_unknown_in_it() -> None:
    for header_len in (28, 32, 40):
        btf = Btf(every_kind().to_bytes(header_len), "blob")
        assert not isinstance(btf.functions("first"), Miss)


def test_a_longer_header_with_something_unknown_in_it() -> None:
    blob = bytearray(every_kind().to_bytes(40))
    blob[36] = 1
    with pytest.raises(Damaged, match="fields that are not known") as caught:
        Btf(bytes(blob), "blob")
    assert caught.value.offset == 32


# bytes after the common words, bytes of an element, flags: kinds 0 to 20
LAYOUT = b"".join(
    bytes([*entry, 0, 0])
    for entry in [
        (0, 0), (4, 0), (0, 0), (12, 0), (0, 12), (0, 12), (0, 8), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0),
        (0, 0), (0, 8), (4, 0), (0, 12), (0, 0), (4, 0), (0, 0), (0, 12), (4, 8),
    ]
)  # fmt: skip


def newer() -> BtfWriter:
    w = BtfWriter()
    int_ = w.int_("int", 4, 1)
    strange = w.add(20, "strange", tail=[1, 2, 3, 4, 5], vlen=2)
    w.function("after", int_, [])
    w.function("uses", int_, [("s", strange)])
    return w


def test_a_kind_that_is_not_known_is_refused() -> None:
    with pytest.raises(Damaged, match="kind 20, which is not known") as caught:
        Btf(newer().to_bytes(), "blob")
    assert caught.value.offset == 24 + 16


def test_a_kind_that_the_blob_itself_describes_is_stepped_over() -> None:
    btf = Btf(newer().to_bytes(32, LAYOUT), "blob")
    assert not isinstance(btf.functions("after"), Miss)
    with pytest.raises(Damaged, match="unknown kind 20"):
        btf.functions("uses")


def test_a_description_that_contradicts_what_is_known_is_not_used() -> None:
    layout = bytearray(LAYOUT)
    layout[4] = 8
    with pytest.raises(Damaged, match="kind 20, which is not known"):
        Btf(newer().to_bytes(32, bytes(layout)), "blob")


def test_more_than_65535_elements_and_kinds_above_31_use_the_new_bits() -> None:
    w = BtfWriter()
    w.enum("many", [("V", n) for n in range(70_000)])
    found = Btf(w.to_bytes(32), "blob").enum("many")
    assert isinstance(found, Enum)
    assert len(found.values) == 70_000


# Damage.


def look_at_everything(blob: bytes, base: Btf | None = None) -> None:
    """All that can be asked: ends in an answer or in `Damaged`, which points into the blob."""
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


def found(btf: Btf, name: str) -> tuple[Function, ...]:
    functions = btf.functions(name)
    return () if isinstance(functions, Miss) else functions


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
