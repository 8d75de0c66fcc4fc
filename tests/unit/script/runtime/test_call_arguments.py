"""Arguments of system calls as text."""

import os
import signal
import socket
import struct

import pytest

from ktrace.script.runtime.call_arguments import (
    buffer,
    flags,
    limits,
    named,
    node,
    quoted,
    sigaction,
    sigset,
    sockaddr,
    sockaddr_part,
    time,
    times,
)

PARTS = ("af", "ip", "ip_port", "ipv6_flowinfo", "ipv6_scope_id")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    (
        ("open", 0, "O_RDONLY"),
        ("open", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, "O_RDWR|O_CREAT|O_CLOEXEC"),
        ("open", os.O_WRONLY | os.O_SYNC, "O_WRONLY|O_SYNC"),
        ("open", os.O_WRONLY | os.O_DSYNC, "O_WRONLY|O_DSYNC"),
        ("open", os.O_RDONLY | os.O_DIRECTORY, "O_RDONLY|O_DIRECTORY"),
        ("prot", 0, "PROT_NONE"),
        ("prot", 3, "PROT_READ|PROT_WRITE"),
        ("mmap", 0x22, "MAP_PRIVATE|MAP_ANONYMOUS"),
        ("at", 0, "0x0"),
        ("at", 0x80000000 - (1 << 32), "0x80000000"),
        ("access", 0, "F_OK"),
        ("access", 4, "R_OK"),
        ("clone", 0x11, "SIGCHLD"),
        ("clone", 0x1200011, "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD"),
        ("socktype", socket.SOCK_STREAM | socket.SOCK_CLOEXEC, "SOCK_STREAM|SOCK_CLOEXEC"),
        ("futex", 0x81, "FUTEX_WAKE|FUTEX_PRIVATE_FLAG"),
        ("futex", 0, "FUTEX_WAIT"),
        ("msg", 0x4000 | 0x10000000, "MSG_NOSIGNAL|0x10000000"),
        ("mount", 1 << 40 | 1, "MS_RDONLY|0x10000000000"),
        ("fanotify_init", 5, "FAN_CLASS_CONTENT|FAN_CLOEXEC"),
        ("sched", 0x40000001, "SCHED_FIFO|SCHED_RESET_ON_FORK"),
        ("mempolicy_mode", 0x8002, "MPOL_BIND|MPOL_F_STATIC_NODES"),
        ("swapon", 0x8003, "SWAP_FLAG_PREFER|0x3"),
    ),
)
def test_flags_have_their_names(kind: str, value: int, text: str) -> None:
    assert flags(kind, value) == text


def test_a_number_without_a_name_stays_a_number() -> None:
    assert (named("seek", 1), named("seek", 77), named("rusage", -1)) == ("SEEK_CUR", "77", "RUSAGE_CHILDREN")


def test_numbers_above_31_bits_have_names() -> None:
    assert named("reboot_magic1", 0xFEE1DEAD - (1 << 32)) == "LINUX_REBOOT_MAGIC1"


def test_values_are_those_of_this_machine_s_headers() -> None:
    for name in ("O_CREAT", "O_APPEND", "O_NOFOLLOW", "O_TMPFILE", "O_PATH", "O_DIRECT"):
        assert name in flags("open", getattr(os, name)).split("|")
    for name in ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"):
        assert named("af", int(getattr(socket, name))) == name


def test_text_is_quoted_as_in_c() -> None:
    assert quoted('a"\n\x01\\') == '"a\\"\\n\\001\\\\"'
    assert quoted("abcdef", 3) == '"abc"...'


def test_a_buffer_shows_its_start_and_whether_there_is_more() -> None:
    assert buffer(1, "hello", 5) == '"hello"'
    assert buffer(1, "hello and more", 5) == '"hello"'
    assert buffer(1, "a" * 99, 99) == '"' + "a" * 32 + '"...'
    assert buffer(1, "ends", 9) == '"ends"...'
    assert buffer(0, "", 9) == "NULL"


def test_structs_of_programs() -> None:
    assert time(1, 2, 5, 9) == "[2.000000005]"
    assert time(0, 0, 0, 9) == "NULL"
    assert times(1, 1, 2, 3, 4, 6) == "[1.000002][3.000004]"
    assert limits(1, 1024, -1) == "[1024,RLIM_INFINITY]"
    assert sigaction(0, 0, 0, 0) == "NULL"
    assert sigaction(1, 1, 0, 0) == "{SIG_IGN, [EMPTY], 0x0}"
    action = sigaction(1, 0x401000, 0x14000000, 1 << (signal.SIGINT - 1))
    assert action == "{0x401000, [SIGINT], SA_RESTORER|SA_RESTART}"
    assert sigset(1, 0) == "[EMPTY]"
    assert sigset(1, 1 << (signal.SIGUSR1 - 1)) == "[SIGUSR1]"
    assert node(0o100644) == "S_IFREG|0644"


def test_addresses_of_sockets() -> None:
    def words(data: bytes) -> list[int]:
        padded = data.ljust(24, b"\0")
        return [int.from_bytes(padded[i : i + 8], "little") for i in (0, 8, 16)]

    inet = (2).to_bytes(2, "little") + (80).to_bytes(2, "big") + socket.inet_aton("10.1.2.3")
    assert sockaddr(1, *words(inet), "") == "{AF_INET, 10.1.2.3, 80}"
    inet6 = (10).to_bytes(2, "little") + (8080).to_bytes(2, "big") + bytes(4) + bytes(15) + b"\x01"
    assert sockaddr(1, *words(inet6), "") == "{AF_INET6, ::1, 8080}"
    assert sockaddr(1, *words(b"\x01\x00/run"), "/run/x") == "{AF_UNIX, /run/x}"
    assert sockaddr(0, 0, 0, 0, "") == "NULL"
    assert sockaddr(1, *words(b"\xff\x00"), "") == "{unknown address family (255)}"


def test_parts_of_addresses_of_sockets() -> None:
    inet6 = struct.pack(
        "=HHI16sI4x", socket.AF_INET6, socket.htons(443), socket.htonl(9), bytes(15) + b"\1", 3
    )
    words = struct.unpack("=4q", inet6)
    parts = [sockaddr_part(part, 1, *words) for part in PARTS]
    assert parts == ["AF_INET6", "::1", "443", "9", "3"]
    unix = struct.unpack("=4q", struct.pack("=H30x", socket.AF_UNIX))
    assert [sockaddr_part(part, 1, *unix) for part in PARTS] == ["AF_UNIX", "N/A", "N/A", "N/A", "N/A"]
    assert sockaddr_part("af", 0, 0, 0, 0, 0) == sockaddr_part("ip", 0, 0, 0, 0, 0) == "N/A"
