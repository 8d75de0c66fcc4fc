"""A small kernel for the tests of expressions: its BTF is written, then read back."""

from functools import cache

import pytest

from ktrace.errors import KtraceError
from ktrace.expr.arguments import to_kernel_btf, to_registers
from ktrace.expr.source import Site
from ktrace.model.features import Features
from ktrace.model.miss import Miss
from ktrace.symbols.btf import Btf
from tests.unit.symbols.btf_writer import BtfWriter

NO_BTF = Miss("/sys/kernel/btf/vmlinux", "built without CONFIG_DEBUG_INFO_BTF")

OLD = Features()
NEW = Features(btf_args=True, btf_members=True, dentry_names=True, entry_args_at_return=True)


@cache
def kernel() -> Btf:  # noqa: PLR0915 - a list of declarations
    """vfs_read, tcp_connect and friends, with offsets chosen to be recognised."""
    w = BtfWriter()
    int_ = w.int_("int", 4, 1)
    uint = w.int_("unsigned int", 4)
    long_ = w.int_("long int", 8, 1)
    ulong = w.int_("long unsigned int", 8)
    char = w.int_("char", 1)
    byte = w.int_("unsigned char", 1)
    short = w.int_("short int", 2, 1)
    bool_ = w.int_("_Bool", 1, 4)
    int128 = w.int_("__int128", 16, 1)
    double = w.float_("double", 8)
    u8 = w.typedef("u8", byte)
    size_t = w.typedef("size_t", ulong)
    loff_t = w.typedef("loff_t", long_)
    void_p = w.ptr(0)
    char_p = w.ptr(char)
    text = w.ptr(w.const(char))

    qstr = w.struct_("qstr", 0x10, [("hash_len", ulong, 0), ("name", w.ptr(w.const(byte)), 64)])
    dentry_id = w.type_count
    dentry_p = dentry_id + 1
    w.struct_("dentry", 0x40, [("d_parent", dentry_p, 0x18 * 8), ("d_name", qstr, 0x20 * 8)])
    assert w.ptr(dentry_id) == dentry_p
    path = w.struct_("path", 0x10, [("mnt", void_p, 0), ("dentry", dentry_p, 64)])
    super_block = w.struct_("super_block", 0x30, [("s_id", w.array(char, 32), 0x10 * 8)])
    inode = w.struct_("inode", 0x20, [("i_ino", ulong, 64), ("i_sb", w.ptr(super_block), 128)])
    mode = w.enum("rw_mode", [("READ", 0), ("WRITE", 1), ("BOTH", 2)])
    state = w.enum("state", [("GONE", -1), ("IDLE", 0)], signed=True)
    wide = w.enum64("wide", [("HUGE", 1 << 40)])
    small = w.enum("small", [("ONE", 1)], size=1)
    pair = w.struct_("pair", 8, [("low", int_, 0), ("high", uint, 32)])
    inner = w.union(
        "", 8, [("number", ulong, 0), ("pair", pair, 0), ("", w.struct_("", 8, [("deep", int_, 32)]), 0)]
    )
    flags = w.struct_(
        "", 4, [("ro", uint, 0, 1), ("kind", uint, 1, 3), ("count", uint, 4, 20), ("top", uint, 24, 8)]
    )
    net_fwd = w.fwd("net")
    fops = w.ptr(w.proto(int_, [("f", void_p)]))
    node_id = w.type_count
    w.struct_("list_head", 0x10, [("next", node_id + 1, 0), ("prev", node_id + 1, 64)])
    list_p = w.ptr(node_id)
    file = w.struct_(
        "file",
        0x200,
        [
            ("f_pos", loff_t, 0x40),
            ("f_mode", mode, 0x10 * 8),
            ("f_state", state, 0x14 * 8),
            ("f_wide", wide, 0x18 * 8),
            ("f_small", small, 0x20 * 8),
            ("f_ok", bool_, 0x21 * 8),
            ("f_short", w.const(short), 0x22 * 8),
            ("f_inode", w.ptr(w.const(inode)), 0x28 * 8),
            ("f_path", path, 0x40 * 8),
            ("", inner, 0x50 * 8),
            ("f_flags", flags, 0x58 * 8),
            ("", flags, 0x5C * 8),
            ("name", text, 0x60 * 8),
            ("comm", w.array(char, 16), 0x68 * 8),
            ("mac", w.array(u8, 6), 0x78 * 8),
            ("ids", w.array(int_, 4), 0x80 * 8),
            ("grid", w.array(w.array(short, 2), 3), 0x90 * 8),
            ("big", w.array(u8, 100), 0xA0 * 8),
            ("pairs", w.array(pair, 2), 0x108 * 8),
            ("names", w.array(text, 2), 0x118 * 8),
            ("net", w.ptr(net_fwd), 0x128 * 8),
            ("private", void_p, 0x130 * 8),
            ("op", fops, 0x138 * 8),
            ("list", node_id, 0x140 * 8),
            ("vec", int128, 0x150 * 8),
            ("ratio", double, 0x160 * 8),
            ("user_name", w.ptr(w.type_tag("user", char)), 0x168 * 8),
            ("address", ulong, 0x170 * 8),
            ("modes", w.array(mode, 2), 0x178 * 8),
            ("unknown", w.ptr(w.fwd("hidden")), 0x180 * 8),
            ("tail", w.array(char, 0), 0x200 * 8),
        ],
    )
    file_p = w.ptr(file)
    w.struct_("net", 8, [("inum", uint, 32)])
    w.struct_("holder", 0x210, [("id", int_, 0), ("file", file, 0x10 * 8), ("sub", path, 0)])
    w.typedef("file_t", file)
    pte = w.typedef("pte_t", w.struct_("", 8, [("pte", ulong, 0)]))
    two = w.struct_(
        "two", 16, [("first", ulong, 0), ("a", int_, 64), ("b", uint, 96), ("bit", w.int_("u", 4, 0), 96)]
    )
    name_p = w.ptr(w.struct_("filename", 0x10, [("name", text, 64)]))
    three = w.struct_("three", 24, [("x", long_, 0), ("file", file_p, 64), ("z", long_, 128)])
    args = [("file", file_p), ("buf", char_p), ("count", size_t), ("pos", w.ptr(loff_t))]
    w.function("vfs_read", long_, args)
    w.function("open_it", file_p, [("name", text), ("mode", mode), ("fn", name_p)])
    w.function("nothing", 0, [("file", file_p)])
    w.function("lookup", dentry_p, [("path", w.ptr(path)), ("dentry", dentry_p)])
    w.function("twice", int_, [("a", int_)])
    w.function("twice", int_, [("b", long_)])
    w.function("by_value", int_, [("pte", pte), ("t", two), ("file", file_p), ("h", three), ("last", int_)])
    w.function("many", int_, [(f"a{n}", file_p) for n in range(1, 10)])
    w.function("gives_three", three, [("file", file_p)])
    w.function("gives_pte", pte, [])
    w.function("bits", int_, [("x", int128), ("d", double), ("file", file_p)])
    w.function("on_list", int_, [("node", list_p), ("ptr", void_p), ("addr", ulong)])
    w.var("first_file", file)
    w.var("files", w.array(file_p, 4))
    w.var("nr_files", uint)
    w.var("last_file", file_p)
    w.function("__probestub_sched_switch", 0, [("__data", void_p), ("preempt", bool_), ("prev", file_p)])
    w.typedef("btf_trace_old_one", w.ptr(w.proto(0, [("", void_p), ("", file_p)])))
    w.function(
        "to_user",
        int_,
        [("ubuf", w.ptr(w.type_tag("user", w.const(char)))), ("upath", w.ptr(w.type_tag("user", path)))],
    )
    return Btf(w.to_bytes(), "vmlinux")


def old(text: str, function: str = "vfs_read", **site: object) -> str:
    return to_registers(text, Site(function, **site), kernel()).arg.to_text()  # type: ignore[arg-type]


def new(text: str, function: str = "vfs_read", **site: object) -> str | Miss:
    site = {"features": NEW, **site}
    found = to_kernel_btf(text, Site(function, **site), kernel())  # type: ignore[arg-type]
    return found if isinstance(found, Miss) else found.arg.to_text()


def wrong(text: str, function: str = "vfs_read", **site: object) -> KtraceError:
    with pytest.raises(KtraceError) as caught:
        to_registers(text, Site(function, **site), kernel())  # type: ignore[arg-type]
    assert caught.value.excerpt == text
    assert caught.value.caret is not None
    assert 0 <= caught.value.caret <= len(text)
    return caught.value
