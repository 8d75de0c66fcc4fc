"""Every form of fetch argument and every type: taken, read back equal, and right where it can be known."""

import ctypes
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

# Known at do_sys_openat2(int dfd, const char *filename, struct open_how *how), where how is
# {u64 flags, u64 mode, u64 resolve}: di, si and dx on x86-64.
PATH = "/tmp/ktrace-fetch-\u00e9.txt"
DFD = -100  # AT_FDCWD
O_LARGEFILE = 0o100000  # the kernel adds it on 64-bit machines, where C libraries call it 0
FLAGS = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | O_LARGEFILE
MODE = 0o640

# argument, and the value it must have in JSON: a value, a predicate, or None where it cannot be known
FORMS: list[tuple[str, object]] = [
    ("di=%di:s32", DFD),
    ("arg1=$arg1:s32", DFD),
    ("ip=%ip", lambda v: v > 1 << 63),
    ("sp=%sp:x64", lambda v: v > 1 << 63),
    ("stk=$stack", lambda v: v > 1 << 63),
    ("stk0=$stack0", lambda v: v > 1 << 63),
    ("task=$comm", "opener"),
    ("TASK=$COMM", "opener"),
    ("jif=@jiffies", lambda v: v > 0),
    ("joff=@jiffies+0", lambda v: v > 0),
    ("imm=\\5", 5),
    ("neg=\\-5:s32", -5),
    ("hexa=\\0xff:u8", 255),
    ('text=\\"hello"', "hello"),
    ("how=+0(%dx):u64", FLAGS),
    ("mode=+8(%dx):u64", MODE),
    ("back=-0(%dx):u64", FLAGS),
    ("nest=+0(+0(%si)):u8", None),
    ("upath=+u0(%si):string", PATH),
    ("path=+0(%si):string", PATH),
    ("ust=+0(%si):ustring", PATH),
    ("ch=+0(%si):u8", ord("/")),
]

TYPES: list[tuple[str, object]] = [
    *[(f"u{n}=%di:u{n}", DFD % (1 << n)) for n in (8, 16, 32)],
    *[(f"s{n}=%di:s{n}", (DFD + (1 << (n - 1))) % (1 << n) - (1 << (n - 1))) for n in (8, 16, 32)],
    *[(f"x{n}=%di:x{n}", DFD % (1 << n)) for n in (8, 16, 32)],
    ("u64=+8(%dx):u64", MODE),
    ("s64=+8(%dx):s64", MODE),
    ("x64=+8(%dx):x64", MODE),
    ("sym=+0($stack):symbol", lambda v: re.match(r"\w+\+0x", v)),
    ("bits=+8(%dx):b3@6/16", (MODE >> 6) & 7),
    ("arr=+0(%si):u8[4]", list(PATH.encode()[:4])),
    ("xarr=+0(%si):x8[0x4]", list(PATH.encode()[:4])),
    ("words=+0(%dx):u64[2]", [FLAGS, MODE]),
]

OPTIONAL: list[tuple[str, object]] = [  # newer kernels only
    ("cha=+0(%si):char", "/"),
    ("dfd", DFD),
    ("filename:ustring", PATH),
    ("ss=+0($stack):symstr", lambda v: re.match(r"\w+", v)),
]


def opener() -> None:
    """Open a file in a task called `opener`, and nothing else."""
    libc = ctypes.CDLL(None)
    libc.prctl(15, b"opener", 0, 0, 0)  # PR_SET_NAME
    for _ in range(2):  # the first makes the page with the name resident
        os.close(os.open(PATH, os.O_WRONLY | os.O_CREAT, MODE))


def values(ktrace: Callable, start: Callable, armed: Callable, arguments: list[str]) -> dict[str, object]:
    """The arguments of a probe on do_sys_openat2 when `opener` opens its file."""
    ktrace("add", "do_sys_openat2", *arguments, "--name", "opened")
    run = start("trace", "opened", "--json", "--filter", "COMM == 'opener'", "--count", "2")
    run.until(armed)
    child = os.fork()
    if child == 0:
        try:
            opener()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    records = run.wait().records("event")
    ktrace("remove", "opened")
    assert records[-1]["comm"] == "opener"
    return records[-1]["args"]


def check(found: dict[str, object], name: str, wanted: object) -> None:
    assert name in found, found
    if callable(wanted):
        assert wanted(found[name]), (name, found[name])
    elif wanted is not None:
        assert found[name] == wanted, name


@pytest.mark.parametrize("table", [FORMS, TYPES], ids=["forms", "types"])
def test_taken_read_back_and_right(
    ktrace: Callable, start: Callable, armed: Callable, tracing: Path, table: list[tuple[str, object]]
) -> None:
    arguments = [argument for argument, _ in table]
    ktrace("add", "do_sys_openat2", *arguments, "--name", "readback")
    (probe,) = ktrace("list", "--json").records("probe")
    kernel = (tracing / "kprobe_events").read_text().strip()
    ktrace("remove", "readback")
    assert probe["definition"] == kernel
    # BTF kernels rewrite $argN to the parameter's name; all else is read back as it was written.
    back = dict(word.split("=", 1) for word in kernel.split()[2:])
    for argument in arguments:
        name, body = argument.split("=", 1)
        assert back[name] == body or "$arg" in body, (argument, kernel)
    found = values(ktrace, start, armed, arguments)
    for argument, wanted in table:
        check(found, argument.split("=")[0], wanted)


@pytest.mark.parametrize(("argument", "wanted"), OPTIONAL, ids=lambda v: v if isinstance(v, str) else "")
def test_newer_types(
    ktrace: Callable, start: Callable, armed: Callable, tracing: Path, argument: str, wanted: object
) -> None:
    tried = ktrace("add", "do_sys_openat2", argument, "--name", "tried", status=None)
    if tried.status == 0:
        ktrace("remove", "tried")
        found = values(ktrace, start, armed, [argument])
        check(found, argument.split("=", maxsplit=1)[0].split(":", maxsplit=1)[0], wanted)
    else:
        # A kernel that lacks it must say so in its README, and ktrace must pass its words on.
        readme = (tracing / "README").read_text()
        feature = {"cha": "char, string", "ss": "symstr"}.get(argument.split("=", maxsplit=1)[0], "<argname>")
        assert feature not in readme, tried.err
        assert tried.status == 3 and "^" in tried.err


def test_return_value_forms(ktrace: Callable, start: Callable, tracing: Path) -> None:
    run = start("trace", "-r", "do_sys_openat2", "fd=$retval:s64", "x=$retval:x32", "--json", "-n", "1",
                "-c", "cat /nonexistent-ktrace")  # fmt: skip
    (event,) = run.wait().records("event")
    assert event["func"] == "do_sys_openat2" and "+" in event["ret_ip"]
    assert event["args"]["x"] == event["args"]["fd"] % (1 << 32)


def test_names_are_always_written(ktrace: Callable, tracing: Path) -> None:
    ktrace("add", "vfs_read", "%di", "$stack2", "$comm", "+8(%si):u8", "\\7", "%di", "-8(%sp)")
    line = (tracing / "kprobe_events").read_text().strip()
    assert line.endswith("di=%di stack2=$stack2 comm=$comm arg4=+8(%si):u8 arg5=\\7 di_2=%di arg7=-8(%sp)")
    ktrace("remove", "vfs_read")


def test_registers_as_the_kprobe_sample_prints_them(ktrace: Callable, tracing: Path) -> None:
    outcome = ktrace("trace", "do_sys_openat2", "--regs", "--json", "-n", "1", "-c", "ls /")
    (event,) = outcome.records("event")
    names = ["ip", "flags", "sp", "di", "si", "dx", "cx", "r8", "r9"]
    assert [name for name in event["args"] if name != "ip_text"][: len(names)] == names
    assert {"ax", "bx", "bp", "r10", "r15", "cs", "ss"} <= set(event["args"])
    address = int(event["ip"].partition("+")[2].partition("/")[0], 16)
    start = next(s for s in Path("/proc/kallsyms").read_text().splitlines() if s.endswith(" do_sys_openat2"))
    assert event["args"]["ip_text"] == f"{int(start.split()[0], 16) + address:#x}"
    assert event["args"]["di"] % (1 << 32) == DFD % (1 << 32) and event["args"]["ip"] > 1 << 63


def test_stack_at_each_hit(ktrace: Callable, forks: None) -> None:
    ktrace("add", "do_fork", "--stack")
    outcome = ktrace("trace", "do_fork", "--json", "-n", "2", "-c", "sh -c '/bin/true; /bin/true; /bin/true'")
    events, stacks = outcome.records("event"), outcome.records("stack")
    assert len(events) == 2 and len(stacks) == 2
    assert all(
        s["pid"] == e["pid"] and "kernel_clone" in s["frames"] for s, e in zip(stacks, events, strict=True)
    )
    text = ktrace("trace", "do_fork", "-n", "1", "-c", "sh -c '/bin/true; /bin/true'").out
    assert " => kernel_clone\n" in text and text.count("<stack trace>") == 1
    ktrace("remove", "do_fork")


@pytest.mark.parametrize("way", [(), ("--text",)])
def test_no_stack_of_a_hit_that_a_filter_leaves_out(ktrace: Callable, way: tuple[str, ...]) -> None:
    words = ("vfs_read", "n=$arg3:u64", "--stack", "--filter", "n == 777", "--json", *way)
    dd = "dd if=/dev/zero of=/dev/null bs=$n count=2 status=none"
    command = f"sh -c 'for n in 776 777 778 777; do {dd}; done'"
    outcome = ktrace("trace", *words, "-c", command)
    assert len(outcome.records("event")) == 4 and len(outcome.records("stack")) == 4
