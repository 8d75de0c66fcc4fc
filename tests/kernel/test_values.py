"""Values as a person reads them, against what the test made happen: addresses, errors, flags, devices."""

import os
import re
import signal
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


def args_of(outcome: object, event: str) -> list[dict]:
    return [r["args"] for r in outcome.records("event") if r["event"] == event]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def command() -> str:
    return f"{sys.executable} -S {Path(__file__).with_name('value_acts.py')}"


PROBES = (
    "tcp_connect sk->sk_daddr sk->inet_dport sk->sk_family",
    "tcp_v4_connect uaddr",
    "tcp_v6_connect uaddr",
    "do_sys_openat2 how->flags",
    "do_mkdirat mode",
    "udp_sendmsg sk->sk_type sk->sk_protocol len",
)


def test_values_read(ktrace: Callable, command: str) -> None:
    words = " , ".join(PROBES).split()
    outcome = ktrace("trace", *words, "-c", command, "--json")
    assert outcome.status == 0, outcome.err
    connect = args_of(outcome, "tcp_connect")
    first = connect[0]
    assert first["sk_daddr_text"] == "127.0.0.1"
    assert first["sk_daddr"] == int.from_bytes(socket.inet_aton("127.0.0.1"), "little")
    assert int(first["inet_dport_text"]) == int.from_bytes(first["inet_dport"].to_bytes(2, "little"), "big")
    assert first["sk_family_text"] == "AF_INET"
    four = args_of(outcome, "tcp_v4_connect")[0]
    assert four["uaddr_text"] == f"127.0.0.1:{first['inet_dport_text']}"
    assert [one["uaddr_text"] for one in args_of(outcome, "tcp_v6_connect")] == ["[::1]:9"]
    flags = {one["flags_text"] for one in args_of(outcome, "do_sys_openat2")}
    assert any("O_WRONLY|O_CREAT|O_TRUNC" in one for one in flags), flags
    assert "0750" in {one["mode_text"] for one in args_of(outcome, "do_mkdirat")}
    udp = args_of(outcome, "udp_sendmsg")[-1]
    assert (udp["sk_type_text"], udp["sk_protocol_text"], udp["len"]) == ("SOCK_DGRAM", "IPPROTO_UDP", 77)


def test_returns_are_errors(ktrace: Callable, command: str) -> None:
    text = ktrace("trace", "-r", "do_sys_openat2", "$retval", "--filter", "ret == ENOENT", "-c", command)
    assert text.status == 0, text.err
    lines = text.out.splitlines()
    assert lines
    assert all(line.endswith("=-2 ENOENT") for line in lines), lines[:3]


def test_recordings_keep_them(ktrace: Callable, command: str, tmp_path: Path) -> None:
    file = str(tmp_path / "values.dat")
    words = ["tcp_connect", "sk->sk_daddr", "sk->inet_dport", "sk->sk_v6_daddr"]
    done = ktrace("record", "-o", file, *words, ",", "signal:signal_generate", "-c", command)
    assert done.status == 0, done.err
    text = ktrace("report", file, "--filter", "sk_daddr == 127.0.0.1")
    (port,) = re.findall(r" sk_daddr=127\.0\.0\.1 inet_dport=(\d+) ", text.out)
    assert 0 < int(port) < 65536
    wanted = f"(inet_dport == {port} && sk_daddr == 127.0.0.1) || sk_v6_daddr == ::1"
    connects = args_of(ktrace("report", file, "--filter", wanted, "--json"), "tcp_connect")
    assert [one["inet_dport_text"] for one in connects] == [port, "9"]
    assert connects[1]["sk_v6_daddr_text"] == "::1"
    assert connects[1]["sk_daddr_text"].endswith(" or IPv6")
    table = ktrace("report", file, "--csv")
    assert "inet_dport,inet_dport_text,sk_v6_daddr,sk_v6_daddr_text" in table.out.splitlines()[0]
    signals = args_of(ktrace("report", file, "--filter", "sig == SIGURG", "--json"), "signal_generate")
    assert [one["sig"] for one in signals] == [signal.SIGURG]


def test_filters_are_translated_for_the_kernel(ktrace: Callable, command: str) -> None:
    outcome = ktrace(
        *("trace", "tcp_connect", "sk->sk_daddr", "sk->inet_dport"),
        *("if", "inet_dport == 1 || sk_daddr == 127.0.0.1", ","),
        *("signal:signal_generate", "if", "sig == SIGURG", ","),
        *("do_filp_open%return", "$retval", "if", "ret == ENOENT"),
        *("-c", command, "--json"),
    )
    assert outcome.status == 0, outcome.err
    assert {args["sk_daddr_text"] for args in args_of(outcome, "tcp_connect")} == {"127.0.0.1"}
    assert {args["sig"] for args in args_of(outcome, "signal_generate")} == {signal.SIGURG}
    opened = [r["args"]["ret_text"] for r in outcome.records("event") if "do_filp_open" in r["event"]]
    assert set(opened) == {"-2 ENOENT"}
    words = ("tcp_connect", "sk->inet_dport", "--filter", "inet_dport > 5")
    wrong = ktrace("trace", *words, "-c", command, status=2)
    assert "^" in wrong.err


def test_counts_by_what_is_read(ktrace: Callable, command: str) -> None:
    outcome = ktrace("count", "tcp_connect", "--by", "sk->sk_daddr", "-c", command, "--json")
    assert outcome.status == 0, outcome.err
    keys = [row["key"] for row in outcome.records("row")]
    assert {key["sk->sk_daddr_text"] for key in keys} >= {"127.0.0.1"}
    table = ktrace("hist", "-r", "do_sys_openat2", "$retval", "-c", command)
    assert "-2 ENOENT" in table.out


def test_devices_and_modes(ktrace: Callable, tmp_path: Path) -> None:
    file = tmp_path / "of-the-test"
    file.write_text("x")
    about = file.stat()
    outcome = ktrace(
        *("trace", "vfs_read", "file->f_inode->i_mode", "file->f_inode->i_sb->s_dev", "file->f_flags"),
        *("-c", f"cat {file}", "--json"),
    )
    assert outcome.status == 0, outcome.err
    read = {(a["i_mode_text"], a["s_dev_text"]) for a in args_of(outcome, "vfs_read")}
    mode = f"S_IFREG|0{stat.S_IMODE(about.st_mode):o}"
    assert (mode, f"{os.major(about.st_dev)}:{os.minor(about.st_dev)}") in read


def test_masks_of_cpus_and_times(ktrace: Callable) -> None:
    outcome = ktrace(
        *("trace", "wake_up_new_task", "p->cpus_mask", "p->real_cred->uid", ",", "hrtimer_nanosleep", "rqtp"),
        *("-c", "taskset -c 0 sh -c 'sleep 0.25; true'", "--json"),
    )
    assert outcome.status == 0, outcome.err
    tasks = args_of(outcome, "wake_up_new_task")
    assert "0" in {one["cpus_mask_text"] for one in tasks}
    assert {one["uid"] for one in tasks} == {os.getuid()}
    assert "0.250000000s" in {one["rqtp_text"] for one in args_of(outcome, "hrtimer_nanosleep")}


def test_allocations_by_flags(ktrace: Callable) -> None:
    outcome = ktrace("trace", "__alloc_pages*", "gfp", "-c", "true", "--count", "5", "--json")
    assert outcome.status == 0, outcome.err
    texts = {r["args"]["gfp_text"] for r in outcome.records("event")}
    assert texts
    assert any("GFP_" in text for text in texts), texts


def test_probes_that_stay_are_read_alike(ktrace: Callable, command: str) -> None:
    assert ktrace("add", "tcp_connect", "sk->sk_daddr", "raw=+0(%di):u32", "hex=+0(%di):x32").status == 0
    outcome = ktrace("trace", "tcp_connect", "--filter", "sk_daddr == 127.0.0.1", "-c", command)
    assert "sk_daddr=127.0.0.1 raw=127.0.0.1 hex=0x100007f" in outcome.out, outcome.err
    words = ("tcp_connect", "--by", "raw", "--filter", "sk_daddr == 127.0.0.1")
    counted = ktrace("count", *words, "-c", command, "--json").records("row")
    assert [(row["key"]["raw_text"], row["count"]) for row in counted] == [("127.0.0.1", 1)]
    ktrace("remove", "tcp_connect")
