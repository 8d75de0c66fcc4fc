"""Numbers as text, and back."""

import errno
import os
import signal
import socket
import stat
import struct

import pytest

from ktrace.model.constant_names import constants
from ktrace.model.meaning import KINDS, Meaning, merged
from ktrace.model.meanings import BY_MEMBER, BY_TYPE, FROM_KERNEL, Described, meaning_for, word_for


def meaning(word: str, machine: str = "x86_64") -> Meaning:
    found = meaning_for(
        word, machine, lambda _: ((0, "REQ_OP_READ"), (1, "REQ_OP_WRITE"), (1 << 11, "REQ_SYNC"))
    )
    assert found is not None
    return found


def stored(data: bytes) -> int:
    return int.from_bytes(data, "little")


@pytest.mark.parametrize("text", ["127.0.0.1", "10.0.0.1", "255.255.255.255", "0.0.0.0"])
def test_ipv4_addresses_go_both_ways(text: str) -> None:
    number = stored(socket.inet_aton(text))
    assert meaning("ip4").get(number) == text
    assert meaning("ip4").number(text) == number


def test_big_endian_machines_store_addresses_as_they_are() -> None:
    assert meaning("ip4", "s390x").get(0x7F000001) == "127.0.0.1"
    assert meaning("be16", "s390x").number("53") == 53
    assert meaning("be16", "s390x").has_order and not meaning("be16").has_order


@pytest.mark.parametrize(("word", "size"), [("be16", 2), ("be32", 4), ("be64", 8)])
def test_network_order_reads_in_host_order(word: str, size: int) -> None:
    number = stored((53).to_bytes(size, "big"))
    assert meaning(word).get(number) == "53"
    assert meaning(word).number("53") == meaning(word).number("0x35") == number


@pytest.mark.parametrize("text", ["::1", "fe80::1", "2001:db8::53", "::"])
def test_ipv6_addresses(text: str) -> None:
    words = struct.unpack("<2Q", socket.inet_pton(socket.AF_INET6, text))
    assert meaning("ip6").get(list(words)) == text


@pytest.mark.parametrize("text", ["0.0.0.0", "127.0.0.6"])
def test_a_socket_of_ipv6_has_no_ipv4_address(text: str) -> None:
    number = stored(socket.inet_aton(text))
    assert meaning("socket ip4").get(number) == f"{text} or IPv6"
    assert meaning("socket ip4").number(text) == number
    assert meaning("socket ip4").get(stored(b"\x7f\0\0\x01")) == "127.0.0.1"
    assert not meaning("socket ip4").has_order


def test_a_device_has_its_hardware_address_in_a_socket_address() -> None:
    words = struct.unpack("<4Q", struct.pack("<H", 1) + bytes([2, 0, 0, 0, 1, 10]) + bytes(24))
    assert meaning("hwaddr").get(list(words)) == "02:00:00:00:01:0a"


def test_hardware_addresses() -> None:
    assert meaning("mac").get([2, 0, 0, 0, 1, 10]) == "02:00:00:00:01:0a"


def sockaddr(data: bytes) -> str | None:
    return meaning("sockaddr").get(list(struct.unpack("<4Q", data[:32].ljust(32, b"\0"))))


def test_socket_addresses_of_each_family() -> None:
    port = (8080).to_bytes(2, "big")
    assert sockaddr(struct.pack("<H", 2) + port + socket.inet_aton("10.0.0.1")) == "10.0.0.1:8080"
    six = socket.inet_pton(socket.AF_INET6, "fe80::1")
    assert (
        sockaddr(struct.pack("<H", 10) + port + bytes(4) + six + struct.pack("<I", 3)) == "[fe80::1%3]:8080"
    )
    assert sockaddr(struct.pack("<H", 1) + b"/run/x.sock\0") == "unix:/run/x.sock"
    assert sockaddr(struct.pack("<H", 1) + b"\0abstract\0") == "unix:@abstract"
    assert sockaddr(struct.pack("<H", 1) + b"/" + b"x" * 40) == "unix:/" + "x" * 29 + "..."
    assert sockaddr(struct.pack("<HHI", 16, 0, 77)) == "netlink:77"
    assert sockaddr(struct.pack("<HHi", 17, 0, 3)) == "packet:3"
    assert sockaddr(struct.pack("<HHII", 40, 0, 1024, 2)) == "vsock:2:1024"
    assert sockaddr(struct.pack("<H", 38)) == "AF_ALG"
    assert sockaddr(struct.pack("<H", 99)) == "family 99"


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EAGAIN, errno.EOPNOTSUPP, 512])
def test_errors_by_number_and_by_pointer(number: int) -> None:
    name = {512: "ERESTARTSYS", 11: "EAGAIN", 95: "EOPNOTSUPP"}.get(number, "ENOENT")
    assert meaning("errno").get(-number) == meaning("errno").get((1 << 64) - number) == f"-{number} {name}"
    assert meaning("errno").number(name) == meaning("errno").number(f"-{name}") == -number


def test_what_is_no_error_keeps_its_number() -> None:
    for value in (0, 1, 4096, -4096, 0xFFFF888000000000, (1 << 64) - 4096):
        assert meaning("errno").get(value) is None


def test_open_flags_are_those_of_this_machine() -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    assert meaning("open", os.uname().machine).get(flags) == "O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC"
    assert meaning("open").get(0) == "O_RDONLY"
    assert meaning("open").get(1 << 40) == "O_RDONLY|0x10000000000"
    for value, name in constants("open", os.uname().machine):
        known = getattr(os, name, None)
        if known:  # glibc says 0 for O_LARGEFILE on 64-bit machines
            assert value == known, name
    assert dict(constants("open", "aarch64"))[0o40000] == "O_DIRECTORY"


def test_signals_and_families_are_those_of_this_machine() -> None:
    for value, name in constants("signal", "x86_64"):
        assert getattr(signal, name, value) == value, name
    for value, name in constants("family", "x86_64"):
        assert getattr(socket, name, value) == value, name


def test_other_constants() -> None:
    assert meaning("mmap").get(0x22) == "MAP_PRIVATE|MAP_ANONYMOUS"
    assert meaning("prot").get(3) == "PROT_READ|PROT_WRITE"
    assert meaning("prot").get(0) == "PROT_NONE"
    assert meaning("clone").get(0x80000100) == "CLONE_VM|CLONE_IO"
    assert meaning("family").get(10) == "AF_INET6"
    assert meaning("family").get(99) is None
    assert meaning("socket type").get(1 | 0o2000000) == "SOCK_STREAM|SOCK_CLOEXEC"
    assert meaning("ethernet protocol").get(8) == "ETH_P_IP"
    assert meaning("ethernet protocol").number("ETH_P_IP") == 8
    assert meaning("block operation").get(1 | 1 << 11) == "REQ_OP_WRITE|REQ_SYNC"
    assert meaning("mode").get(stat.S_IFREG | 0o644) == "S_IFREG|0644"
    assert meaning("mode").get(0o600) == "0600"
    assert meaning("dev").get(8 << 20 | 1) == "8:1"
    assert meaning("dev").number("8:1") == 8 << 20 | 1
    assert meaning("time").get(1_500_000_000) == "1.500000000s"
    assert meaning("time").get((1 << 64) - 5) == "-0.000000005s"
    assert meaning("cpus").get([0b1011, 1]) == "0-1,3,64"
    assert meaning("cpus").get([0]) == "none"


def test_the_instruction_pointer_is_that_of_the_probe() -> None:
    after = Meaning("after breakpoint")
    assert after.get(0xFFFFFFFF81234565) == "0xffffffff81234564"
    assert after.number("0xffffffff81234564") == 0xFFFFFFFF81234565


def test_flags_in_filters() -> None:
    assert meaning("open").number("O_CREAT|O_EXCL") == os.O_CREAT | os.O_EXCL
    assert meaning("open").number("0x40") == 0x40
    with pytest.raises(ValueError, match="O_WRONLY"):
        meaning("open").number("O_CERAT")


@pytest.mark.parametrize(
    ("word", "text"),
    [("ip4", "10.0.0"), ("be16", "65536"), ("errno", "NOENT"), ("dev", "8:x"), ("mode", "rw")],
)
def test_what_is_not_such_a_value(word: str, text: str) -> None:
    with pytest.raises(ValueError, match="it is"):
        meaning(word).number(text)


def test_arrays_are_not_compared() -> None:
    with pytest.raises(ValueError, match="single numbers"):
        meaning("ip6").number("::1")


def test_it_is_stored_as_json() -> None:
    for word in {*BY_TYPE.values(), *BY_MEMBER.values(), "errno", "prot", "clone", "error"}:
        one = meaning(word)
        assert one.kind in KINDS, word
        assert Meaning.from_json(one.to_json()) == one


@pytest.mark.parametrize("told", [None, 1, [], {}, {"kind": "nothing"}, {"kind": "enum", "table": 1},
                                  {"kind": "flags", "mask": "x"}, {"kind": []}])  # fmt: skip
def test_foreign_json_is_no_meaning(told: object) -> None:
    assert Meaning.from_json(told) is None


def test_constants_of_the_kernel_are_looked_up() -> None:
    for word in FROM_KERNEL:
        assert meaning_for(word, "x86_64") is None


def test_where_two_events_differ_there_is_none() -> None:
    one, other = {"e": {"a": Meaning("ip4")}}, {"e": {"a": Meaning("dev"), "b": Meaning("dev")}}
    assert merged([one, other]) == {"e": {"a": {}, "b": Meaning("dev")}}


def test_the_table_goes_by_type_then_member_then_parameter() -> None:
    assert word_for(Described(("__be32",), "sock_common.skc_daddr", name="skc_daddr", size=4)) == "socket ip4"
    assert word_for(Described(("__be32", "__u32"), "tcphdr.seq", name="seq", size=4)) == "be32"
    assert (
        word_for(Described(("__be16",), "sk_buff.protocol", name="protocol", size=2)) == "ethernet protocol"
    )
    assert word_for(Described((), "", "do_mmap", "prot", 8)) == "prot"
    assert word_for(Described((), "", "do_mmap", "len", 8)) is None
    assert word_for(Described(("size_t",), "", "vfs_read", "count", 8)) is None
    assert word_for(Described((), "", "__sock_create", "type", 4)) == "socket type"
    assert word_for(Described((), size=4, is_signed=True, is_return=True)) == "errno"
    assert word_for(Described((), size=4, is_return=True)) is None
    assert word_for(Described((), size=8, is_pointer=True, is_return=True)) == "errno"
    assert word_for(Described(("ktime_t", "s64"), size=8, is_signed=True, is_return=True)) == "time"
    assert word_for(Described(("struct sockaddr",), function="dev_set_mac_address")) == "hwaddr"
    assert word_for(Described((), function="tcp_set_state", name="state", size=4)) == "tcp state"
