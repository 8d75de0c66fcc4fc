"""fprobes and probes at tracepoints, where the kernel has them; elsewhere what to do instead."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kernel.scene import COMM, COUNT, FILE, FOLDER, POS, play

FILTER = ("--json", "--filter", f"COMM == '{COMM}'")


@pytest.fixture
def has_fprobes(tracing: Path) -> bool:
    return "f[:[<group>/][<event>]]" in (tracing / "README").read_text()


def test_fprobe_reads_the_same(start: Callable, ktrace: Callable, tracing: Path, has_fprobes: bool) -> None:
    argv = ("vfs_read", "count", "*pos", "file:path", ",", "vfs_read%return", "$retval")
    if not has_fprobes:
        err = ktrace("add", "--kind", "fprobe", "vfs_read", status=5).err
        assert "has no fprobe events" in err and "--kind auto" in err
        return
    run = start("trace", "--kind", "fprobe", *argv, *FILTER)
    play(run, tracing)
    records = run.wait().records("event")
    entries = [r["args"] for r in records if r["event"] == "vfs_read"]
    assert {"count": COUNT, "pos": POS, "file": f"/tmp/{FOLDER}/{FILE}"} in entries
    returns = [r for r in records if r["event"] == "vfs_read__return"]
    assert {"ret": COUNT} in [r["args"] for r in returns] and returns[0]["func"] == "vfs_read"


def test_auto_takes_the_cheaper_kind_where_it_can(ktrace: Callable, has_fprobes: bool) -> None:
    cheap = "f" if has_fprobes else "p"
    for argv, kind in (
        (("vfs_read", "count"), cheap),
        (("vfs_read",), cheap),
        (("vfs_read", "count=%dx"), "p"),
        (("vfs_read", "--regs"), "p"),
        (("do_sys_openat2+0x0",), cheap),
        (("load_elf_binary", "--nth", "1"), "p"),
    ):
        ktrace("add", "--kind", "auto", "--name", "chosen", *argv)
        (probe,) = ktrace("list", "--json").records("probe")
        assert probe["kind"] == kind, argv
        assert probe["group"] == ("fprobes" if kind == "f" else "kprobes")
        ktrace("remove", "chosen")


def test_fprobes_have_no_registers(ktrace: Callable, has_fprobes: bool) -> None:
    if has_fprobes:
        for argv in (("vfs_read", "a=%di"), ("vfs_read", "--regs"), ("vfs_read+8",)):
            assert "has no registers: not" in ktrace("add", "--kind", "fprobe", *argv, status=2).err


def test_tracepoint(start: Callable, ktrace: Callable, tracing: Path, has_fprobes: bool) -> None:
    argv = ("tracepoint:sched_process_fork", "parent->pid", "child->pid", "child->comm")
    if not has_fprobes:
        err = ktrace("add", *argv, status=5).err
        assert "no probes at tracepoints" in err and "sched:sched_process_fork" in err
        assert "child_pid" in err
        return
    run = start("trace", *argv, *FILTER)
    facts = play(run, tracing)
    (record,) = run.wait().records("event")
    assert record["args"] == {"pid": facts["self"], "pid_2": facts["child"], "comm": COMM}
    ktrace("add", *argv)
    (probe,) = ktrace("list", "--json").records("probe")
    assert probe["event"] == "tracepoints/sched_process_fork" and probe["kind"] == "t"
    ktrace("remove", "sched_process_fork")


def test_tracepoints_that_are_none(ktrace: Callable, has_fprobes: bool) -> None:
    if has_fprobes:
        assert "close to it: sched_switch" in ktrace("add", "tracepoint:sched_swich", status=4).err
        assert (
            "no tracepoint 'sys_enter_openat'" in ktrace("add", "tracepoint:sys_enter_openat", status=4).err
        )
        assert "does not return" in ktrace("add", "-r", "tracepoint:sched_switch", status=2).err
        err = ktrace("add", "tracepoint:sched_switch", "prev->com", status=2).err
        assert "has no member 'com'" in err and "did you mean comm" in err
