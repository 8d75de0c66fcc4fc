import struct

import pytest

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
from tests.unit.expr.kernel import kernel
from tests.unit.symbols.btf_samples import every_kind, found, module
from tests.unit.symbols.btf_writer import BtfWriter

INT = Int("int", 4, True, bits=32)


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


def test_all_names_at_once_are_the_same_as_one_after_the_other() -> None:
    """Look up names in the kernel and in a module; names that do not exist stay unknown."""
    one, other = kernel.__wrapped__(), kernel.__wrapped__()
    other.expect_all("function")
    other.expect_all("function")
    names = list(one.names("function"))
    assert len(names) > 5
    for name in (*names, "no_such_function", "file"):
        assert one.functions(name) == other.functions(name)
    late = kernel.__wrapped__()
    assert late.functions(names[0]) and not isinstance(late.record("struct", "file"), Miss)
    late.expect_all("function")
    assert late.functions(names[0]) == one.functions(names[0])
    assert not isinstance(late.record("struct", "file"), Miss)
