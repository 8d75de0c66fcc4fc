"""Scripts on a running kernel: the cases of tests/scripts that need one."""

import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ktrace.model.features import Features
from tests.kernel.loading import null_disk
from tests.scripts.case import Case, cases
from tests.scripts.check import check

NEEDING = cases(kernel=True)
WHOLE = os.environ.get("KTRACE_ORACLE") == "whole"


@pytest.fixture(scope="module")
def loopback() -> None:
    """Set the device lo up, as it is on every machine that has booted to its end."""
    get_flags, set_flags, up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, get_flags, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", request)[1]
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", flags | up))


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    """Make a disk that nothing else uses."""
    with null_disk("") as path:
        yield path


@pytest.fixture(scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    """Make what a case needs before the kernel's files are looked at."""
    for made in {"loopback", "disk"} & set(request.param.needs):
        request.getfixturevalue(made)
    return request.param


def lacks(case: Case, tracing: Path) -> str | None:
    """Return the requirements of a case that this kernel does not have."""
    files = {
        "kernel": "kprobe_events",
        "raw_syscalls": "events/raw_syscalls/sys_enter",
        "syscalls": "kprobe_events",
    }
    for need in case.needs:
        if need == "btf":
            if not Path("/sys/kernel/btf/vmlinux").exists():
                return "types"
        elif need == "tracepoints":
            if not Features.find((tracing / "README").read_text()).tracepoint_probe:
                return "probes at tracepoints"
        elif need == "fuse":
            # To open the device loads the module.
            with suppress(OSError), Path("/dev/fuse").open("rb"):
                continue
            return need
        elif need.startswith("no/module/"):
            if Path("/sys/module", need.removeprefix("no/module/")).exists():
                return f"kernel without {need.removeprefix('no/module/')}"
        elif need in ("loopback", "disk"):
            continue
        elif not (tracing / files.get(need, need)).exists():
            return need
    return None


@pytest.mark.parametrize("case", NEEDING, ids=[case.name for case in NEEDING], indirect=True)
def test_script(case: Case, ktrace, tracing, tmp_path, monkeypatch) -> None:
    missing = lacks(case, tracing)
    if missing:
        pytest.skip(f"this kernel has no {missing}")
    if case.whole and not WHOLE:
        pytest.skip("make test-all runs it")
    (tmp_path / "t.stp").write_text(case.script)
    monkeypatch.chdir(tmp_path)
    done = ktrace(*case.words(60), status=None, stdin=case.input)
    check(case, done.out, done.err)


def test_points_and_what_can_be_read_there(ktrace) -> None:
    assert (
        ktrace("run", "-l", 'kernel.function("vfs_read"), begin').out
        == 'kernel.function("vfs_read")\nbegin\n'
    )
    calls = ktrace("run", "-l", "syscall.rea*, syscall.open*.return").out.split()
    assert {"syscall.read", "syscall.readv", "syscall.openat.return"} <= set(calls)
    assert {"syscall.read", "syscall.openat"} <= set(ktrace("run", "-l", "syscall.*").out.split())
    listed = ktrace("run", "-L", 'kernel.function("vfs_read").return').out
    assert listed.startswith('kernel.function("vfs_read").return $return:ssize_t $file:struct file *')


def test_the_plan_is_shown_and_nothing_is_done(ktrace) -> None:
    script = 'probe kernel.function("vfs_read") { if ($count == 777) println(execname()) }'
    plan = ktrace("run", "--plan", "-e", script).out
    assert "vfs_read f0=" in plan and "COMM" not in plan
    assert "f0 == 777" in plan and "filter" in plan
    assert (
        "f0 == 777" not in ktrace("run", "--plan", "--no-pushdown", "-e", script).out.partition("# Here")[0]
    )


def test_a_script_that_fails_half_way_leaves_nothing(ktrace, tracing) -> None:
    script = 'probe kernel.function("vfs_read") { } probe kernel.function("no_such_function_at_all") { }'
    done = ktrace("run", "-e", script, status=None)
    assert done.status != 0 and "no_such_function_at_all" in done.err
    assert "ktrace_" not in (tracing / "kprobe_events").read_text()


@pytest.mark.parametrize("option", ["-p2", "-l", "-L"])
@pytest.mark.parametrize(
    "point",
    [
        'kernel.function("no_such_function_at_all")',
        'kernel.function("no_such_function_at_all").return',
        'module("no_such_module").function("vfs_read")',
        "syscall.no_such_call",
        'kernel.trace("sched:no_such_event")',
    ],
)
def test_a_place_that_there_is_not_is_neither_planned_nor_listed(ktrace, option: str, point: str) -> None:
    words = ["-p2", "-e", f"probe {point} {{}}"] if option == "-p2" else [option, point]
    done = ktrace("run", *words, status=None)
    assert done.status != 0 and "no_such" in done.err and not done.out


def test_a_file_that_cannot_be_checked_is_told(ktrace) -> None:
    done = ktrace("run", "-l", 'kernel.function("vfs_read@fs/read_write.c")')
    assert "whether 'vfs_read' is in fs/read_write.c is not known" in done.err
