"""The arguments that read a whole path, the values that read as more than a number, and macros."""

from functools import cache

import pytest

from ktrace.errors import UsageError
from ktrace.expr.arguments import Resolved, resolve
from ktrace.expr.source import Site
from ktrace.model.features import Features
from ktrace.symbols.btf import Btf
from tests.unit.symbols.btf_writer import BtfWriter

NEW = Features(btf_args=True, btf_members=True, dentry_names=True)


@cache
def kernel() -> Btf:
    """Files, mounts and sockets, with the offsets of a 6.1 kernel where they matter."""
    w = BtfWriter()
    int_, uint = w.int_("int", 4, 1), w.int_("unsigned int", 4)
    byte, ushort = w.int_("unsigned char", 1), w.int_("unsigned short", 2)
    long_, ulong = w.int_("long int", 8, 1), w.int_("long unsigned int", 8)
    be16, be32 = w.typedef("__be16", ushort), w.typedef("__be32", uint)
    qstr = w.struct_("qstr", 0x10, [("hash_len", ulong, 0), ("name", w.ptr(w.const(byte)), 64)])
    text = w.ptr(w.const(w.int_("char", 1, 1)))
    dentry_p = w.type_count + 1
    w.struct_(
        "dentry",
        0x70,
        [("d_parent", dentry_p, 0x18 * 8), ("d_name", qstr, 0x20 * 8), ("d_sb", dentry_p + 1, 0x68 * 8)],
    )
    w.ptr(dentry_p - 1)
    w.ptr(dentry_p + 2)
    w.struct_("super_block", 0x400, [("s_type", dentry_p + 3, 0x28 * 8)])
    w.ptr(dentry_p + 4)
    w.struct_("file_system_type", 0x48, [("name", text, 0)])
    vfsmount = w.struct_("vfsmount", 0x20, [("mnt_root", dentry_p, 0)])
    mount_p = w.type_count + 1
    w.struct_(
        "mount",
        0x140,
        [
            ("mnt_parent", mount_p, 0x10 * 8),
            ("mnt_mountpoint", dentry_p, 0x18 * 8),
            ("mnt", vfsmount, 0x20 * 8),
        ],
    )
    w.ptr(mount_p - 1)
    path = w.struct_("path", 0x10, [("mnt", w.ptr(vfsmount), 0), ("dentry", dentry_p, 64)])
    umode = w.typedef("umode_t", ushort)
    file = w.struct_(
        "file", 0x100, [("f_path", path, 0x40 * 8), ("f_flags", uint, 0x50 * 8), ("mode", umode, 0)]
    )
    in6 = w.struct_("in6_addr", 16, [("s6", w.array(byte, 16), 0)])
    kuid = w.typedef("kuid_t", w.struct_("", 4, [("val", uint, 0)]))
    common = w.struct_(
        "sock_common",
        0x60,
        [
            ("skc_daddr", be32, 0),
            ("skc_rcv_saddr", be32, 32),
            ("skc_dport", be16, 96),
            ("skc_family", ushort, 128),
            ("skc_v6_daddr", in6, 0x20 * 8),
        ],
    )
    sock = w.struct_("sock", 0x200, [("__sk_common", common, 0), ("sk_uid", kuid, 0x100 * 8)])
    mask = w.struct_("cpumask", 1024, [("bits", w.array(ulong, 128), 0)])
    address = w.ptr(w.struct_("sockaddr", 16, [("sa_family", ushort, 0)]))
    device = w.struct_("net_device", 8, [("dev_addr", w.ptr(w.const(byte)), 0)])
    w.function("vfs_read", long_, [("file", w.ptr(file)), ("dentry", dentry_p), ("path", w.ptr(path))])
    args = [("sk", w.ptr(sock)), ("uaddr", address), ("mask", w.ptr(w.const(mask))), ("dev", w.ptr(device))]
    w.function("tcp_connect", int_, args)
    w.function("do_mmap", ulong, [("file", w.ptr(file)), ("prot", ulong), ("flags", ulong), ("len", ulong)])
    mode = w.enum("timer_mode", [("ABS", 0), ("REL", 1)])
    w.function("set_mode", int_, [("mode", mode), ("on", w.int_("_Bool", 1, 4))])
    return Btf(w.to_bytes(), "vmlinux")


def read(*texts: str, function: str = "vfs_read", **site: object) -> tuple[Resolved, ...]:
    return resolve(texts, Site(function, **site), kernel()).args  # type: ignore[arg-type]


def lines(*texts: str, **site: object) -> list[str]:
    return [one.arg.to_text() for one in read(*texts, whole=True, **site)]


def test_a_file_is_read_name_by_name_up_to_the_mounts() -> None:
    found = lines("file:path")
    assert found[:3] == [
        "file=+0(+0x28(+0x48(%di))):string",
        "file__p1=+0(+40(+24(+72(%di)))):string",
        "file__p2=+0(+40(+24(+24(+72(%di))))):string",
    ]
    assert "file__m0=+0(+40(-8(+64(%di)))):string" in found
    assert "file__m1=+0(+40(+24(-8(+64(%di))))):string" in found
    assert "file__n0=+0(+40(+24(-16(+64(%di))))):string" in found
    assert "file__o0=+0(+40(+24(+16(-16(+64(%di)))))):string" in found
    assert all(len(text.partition("=")[2]) <= 63 and len(text.partition("=")[0]) <= 32 for text in found)
    assert len(found) <= 31


def test_the_type_of_the_filesystem_is_read() -> None:
    assert lines("file:path")[-1] == "file__t0=+0(+0(+40(+104(+72(%di))))):string"
    assert lines("path:path")[-1] == "path__t0=+0(+0(+40(+104(+8(%dx))))):string"


def test_other_forms_of_a_path() -> None:
    assert "path__m0=+0(+40(-8(+0(%dx)))):string" in lines("path:path")
    assert "f_path__m0=+0(+40(-8(+64(%di)))):string" in lines("file->f_path:path")
    assert not any("__m" in text for text in lines("dentry:path"))
    assert lines("dentry:path")[1] == "dentry__p1=+0(+40(+24(%si))):string"
    assert "f__p1=+0(+40(+24(+72(%di)))):string" in lines("f=file:path")
    assert all("$arg1" in text for text in lines("file:path", registers=False, features=NEW)[1:])


def test_more_of_it_fits_where_the_kernel_takes_longer_arguments() -> None:
    few, many = lines("file:path"), lines("file:path", body_max=255)
    assert len(few) < len(many)
    assert max(text.count("(") for text in many) <= 13


def test_a_path_without_room_for_the_mounts_is_the_last_name() -> None:
    alone = ["file=+0(+40(+72(%di))):string"]
    assert [lines("file:path", body_max=limit) for limit in (25, 27)] == [alone, alone]
    assert len(lines("file:path", body_max=28)) == 1
    assert [text.partition("=")[0] for text in lines("file:path", body_max=32)] == [
        *("file", "file__p1", "file__q0", "file__m0"),
    ]


def test_the_roots_of_mounts_are_read() -> None:
    found = lines("file:path")
    assert "file__q0=+0(+40(+0(+64(%di)))):string" in found
    assert "file__q1=+0(+40(+24(+0(+64(%di))))):string" in found
    assert [text.partition("=")[0] for text in found if "__r" in text] == ["file__r0", "file__r1", "file__r2"]
    assert any("__s0" in text for text in found)


def test_a_long_name_leaves_room_for_the_parts() -> None:
    found = lines("a_name_that_has_thirty_letters_x=file:path")
    assert all(len(text.partition("=")[0]) <= 32 for text in found)
    assert found[1].startswith("a_name_that_has_thirty_lett__p1=")


def test_without_the_option_only_the_last_name_is_read() -> None:
    assert [one.arg.to_text() for one in read("file:path")] == ["file=+0(+0x28(+0x48(%di))):string"]


@pytest.mark.parametrize(
    ("text", "function", "line", "word"),
    [
        ("sk->sk_family", "tcp_connect", "sk_family=+0x10(%di):u16", "family"),
        ("sk->sk_daddr", "tcp_connect", "sk_daddr=+0(%di):u32", "socket ip4"),
        ("sk->inet_dport", "tcp_connect", "inet_dport=+0xc(%di):u16", "be16"),
        ("sk->__sk_common.skc_rcv_saddr", "tcp_connect", "skc_rcv_saddr=+0x4(%di):u32", "socket ip4"),
        ("sk->sk_v6_daddr", "tcp_connect", "sk_v6_daddr=+0x20(%di):x64[2]", "ip6"),
        ("sk->sk_uid", "tcp_connect", "sk_uid=+0x100(%di):u32", None),
        ("uaddr", "tcp_connect", "uaddr=+0(%si):x64[4]", "sockaddr"),
        ("mask", "tcp_connect", "mask=+0(%dx):x64[1]", "cpus"),
        ("dev->dev_addr", "tcp_connect", "dev_addr=+0(+0(%cx)):u8[6]", "mac"),
        ("file->f_flags", "vfs_read", "f_flags=+0x50(%di):u32", "open"),
        ("file->mode", "vfs_read", "mode=+0(%di):u16", "mode"),
        ("prot", "do_mmap", "prot=%si:u64", "prot"),
        ("flags", "do_mmap", "flags=%dx:u64", "mmap"),
        ("len", "do_mmap", "len=%cx:u64", None),
        ("sk->sk_daddr:x32", "tcp_connect", "sk_daddr=+0(%di):x32", None),
        ("sk->sk_daddr:u32", "tcp_connect", "sk_daddr=+0(%di):u32", "socket ip4"),
        ("((struct sock *)sk)->sk_daddr", "tcp_connect", "sk_daddr=+0(%di):u32", "socket ip4"),
    ],
)
def test_values_have_a_meaning(text: str, function: str, line: str, word: str | None) -> None:
    (one,) = read(text, function=function, whole=True)
    assert (one.arg.to_text(), one.word) == (line, word)


def test_other_readers_get_the_pointer() -> None:
    """A script computes with it, and a histogram has no keys of several numbers."""
    (one,) = read("uaddr", function="tcp_connect")
    assert (one.arg.to_text(), one.word) == ("uaddr=%si:x64", None)


def test_returns_are_errors() -> None:
    assert read("$retval", where="return")[0].word == "errno"
    assert read("$retval", function="do_mmap", where="return")[0].word == "errno"  # as IS_ERR_VALUE


def test_a_macro_hides_no_mistake() -> None:
    with pytest.raises(UsageError, match="has no member 'sk_famly'"):
        read("sk->sk_famly", function="tcp_connect")
