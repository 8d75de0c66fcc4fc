"""Words that mean something else than they seem to: said, refused, or taken as the kernel takes them."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ktrace.host.local import LocalHost
from ktrace.kernel.kernel import Kernel
from ktrace.kernel.renamed import find_present
from ktrace.model.ctype import declare
from ktrace.model.miss import Miss
from ktrace.symbols.renames import declarations
from ktrace.tracefs.mount import find_tracing

# Functions whose parameters were others in kernels that still have the name.
OTHERWISE = {"do_mkdirat": "const char *"}
# Functions that have been inlined between their old name and their next.
GONE = {"tcp_drop", "tcp_drop_reason"}


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    return Kernel(find_tracing(LocalHost()))


def plain_type(text: str) -> str:
    """A type without `const`, and with integers spelled in one way."""
    text = re.sub(r"\bconst\b ?", "", text).replace("long unsigned int", "unsigned long")
    return re.sub(r"\s+", " ", text).strip()


def table_types(declaration: str) -> list[str]:
    inside = declaration.partition("(")[2].removesuffix(")")
    return [plain_type(re.sub(r"\w+\Z", "", one).strip()) for one in inside.split(", ")]


def test_the_table_of_renames_is_true_of_this_kernel(kernel: Kernel) -> None:
    """Each declaration in the table is this kernel's, and each name leads to a function."""
    types = kernel.types()
    assert not isinstance(types, Miss)
    compared, lost = 0, set()
    for chain in declarations():
        for declaration in chain:
            name = declaration.partition("(")[0]
            found = types.functions(name) if kernel.symbols.has_function(name) else Miss("", "")
            if not isinstance(found, Miss):
                real = [plain_type(declare(param.type)) for param in found[0].proto.params]
                wanted = table_types(declaration)
                if OTHERWISE.get(name, "-") not in " ".join(declare(p.type) for p in found[0].proto.params):
                    assert real[: len(wanted)] == wanted, declaration
                compared += 1
            if (
                not kernel.symbols.has_function(name)
                and find_present(name, kernel.symbols, kernel.machine) is None
            ):
                lost.add(name)
    assert compared > 25 and lost <= GONE


def test_a_rename_says_where_parameters_differ(ktrace: Callable, kernel: Kernel) -> None:
    """A renamed function may also have a compiler's suffix; an argument read by position gets a warning."""
    present = find_present("do_execve", kernel.symbols, kernel.machine)
    assert present is not None and present.name.split(".")[0] == "do_execveat_common"
    outcome = ktrace("add", "do_execve", "f=$arg1:x64")
    assert f"do_execve is {present.name} in this kernel" in outcome.err
    assert "its parameters differ: do_execve(struct filename *filename" in outcome.err
    plain = ktrace("add", "--dry-run", "do_execveat_common", "--name", "other")
    assert f"p:kprobes/other {present.name}'" in plain.out
    ktrace("remove", "do_execve")


def test_a_part_of_a_function_is_said_to_be_one(ktrace: Callable, kernel: Kernel) -> None:
    """A function of which only `.part` has a symbol; one of which only `.cold` has is not there."""
    kallsyms = Path("/proc/kallsyms").read_text()
    names = set(re.findall(r" [tTwW] (\S+)", kallsyms))
    traceable = {line.split()[0] for line in (kernel.traceable or "").splitlines()}
    parts = sorted(n for n in traceable if re.fullmatch(r"[a-z_]+\.part\.0", n))
    part = next(n for n in parts if n.split(".")[0] not in names and f"{n.split('.')[0]}.isra.0" not in names)
    err = ktrace("add", "--dry-run", part.split(".")[0]).err
    assert "is a part of the function: its beginning is inlined into its callers" in err
    colds = (n for n in names if n.endswith(".cold") and n.count(".") == 1)
    gone = {n.split(".")[0] for n in colds} - names
    cold = next((n for n in sorted(gone) if find_present(n, kernel.symbols, kernel.machine) is None), None)
    if cold:  # 6.12 keeps no such symbols
        assert f"no function '{cold}'" in ktrace("add", "--dry-run", cold, status=4).err


def test_a_function_that_nothing_passes_through(ktrace: Callable) -> None:
    """The function exists, so it is probed; a message names the function that sees the calls."""
    for words in (
        ["add", "do_sys_open"],
        ["add", "--dry-run", "do_mount"],
        ["add", "--dry-run", "sock_sendmsg"],
    ):
        assert "may never be hit" in ktrace(*words).err
    ktrace("remove", "do_sys_open")
    assert "do_sys_openat2 sees it" in ktrace("trace", "do_sys_open", "-c", "true", "--cpu", "0").err


def test_per_cpu_variables_are_refused_with_a_way_that_works(ktrace: Callable, tracing: Path) -> None:
    """cpu_number, or where it is gone this_cpu_off: known to be other than 0 where it is read rightly."""
    for words in (["x=@runqueues"], ["x=+8(@runqueues+16):u32"]):
        refused = ktrace("add", "vfs_read", *words, status=2)
        assert "each CPU has its own copy of runqueues" in refused.err and "^" in refused.err
    refused = ktrace("trace", "vfs_read", "off=@this_cpu_off:x64", status=2).err
    assert "reads one that no CPU uses" in refused
    said = re.search(r"'(off=[^']*)'", refused)
    assert said
    way = ktrace("trace", "--json", "vfs_read", said[1], "-n", "1", "-c", "cat /proc/version")
    value = way.records("event")[0]["args"]["off"]
    assert int(str(value), 0) != 0
    assert "runqueues" not in (tracing / "kprobe_events").read_text()
    line = ktrace("add", "--from", "-", stdin=b"p:x vfs_read a=@runqueues\n", status=2)
    assert "each CPU has its own copy" in line.err


def test_parameters_that_a_function_does_not_have(ktrace: Callable, kernel: Kernel) -> None:
    cases = (
        (["do_exit", "a=$arg2:u64"], "do_exit has 1 parameter: $arg2"),
        (["do_exit", "a=+0($arg10):u64"], "do_exit has 1 parameter: $arg10"),
        (["p", "do_exit", "$arg3"], "do_exit has 1 parameter: $arg3"),
        (["p", "__x64_sys_openat", "$arg2"], "ktrace add openat '$arg2'"),
    )
    for words, text in cases:
        assert text in ktrace("add", *words, status=2).err
    ktrace("add", "--dry-run", "do_exit", "a=$arg1:u64", ",", "vfs_read", "b=$arg4")
    void = ktrace("add", "-r", "kfree", "v=$retval:u64", status=None)
    assert void.status in (2, 3) and ("returns nothing" in void.err or "'void'" in void.err)
    if not kernel.features.btf_args:
        assert void.status == 2


def test_options_that_would_do_nothing(ktrace: Callable) -> None:
    cases = (
        ["add", "vfs_read", "--maxactive", "5"],
        ["trace", "vfs_read", "--maxactive", "5", "-c", "true"],
        ["record", "vfs_read", "--maxactive", "5", "-c", "true", "-o", "/dev/null"],
        ["trace", "vfs_read", "--children", "-d", "1"],
        ["count", "vfs_read", "--children", "-d", "1"],
        ["graph", "vfs_read", "--children", "-d", "1"],
        ["trace", "sched:sched_switch", "-r", "-d", "1"],
        ["add", "vfs_read", "--nth", "2"],
        ["add", "--nth", "2", "vfs_*"],
        ["add", "--all", "0xffffffff81234560"],
        ["add", "--dry-run", "--json", "vfs_read"],
        ["add", "-r", "p:x", "vfs_read"],
    )
    for words in cases:
        err = ktrace(*words, status=2).err
        assert err.startswith("ktrace: --"), (words, err)


def test_a_dry_run_says_what_is_not_there(ktrace: Callable, debugfs: Path) -> None:
    outcome = ktrace("add", "--dry-run", "vfs_raed", ",", "vfs_read", ",", "vfs_open", "x=@no_such", status=4)
    assert "no function 'vfs_raed'" in outcome.err and "no data symbol 'no_such'" in outcome.err
    assert "kprobes/vfs_read vfs_read'" in outcome.out and "vfs_raed" not in outcome.out
    listed = (debugfs / "kprobes/blacklist").read_text().splitlines()
    name = next(n for n in (line.split("\t")[1] for line in listed) if re.fullmatch(r"do_int3|exc_int3", n))
    assert "kprobe blacklist" in ktrace("add", "--dry-run", name, status=3).err
    ktrace("add", "vfs_read")
    assert "is there already" in ktrace("add", "--dry-run", "vfs_read", status=6).err
    removal = ktrace("remove", "--dry-run", "vfs_read", "vfs_raed", status=4)
    assert "-:kprobes/vfs_read" in removal.out and "'vfs_raed'" in removal.err
    ktrace("remove", "vfs_read")


# Lines of the kernel's documentation, with a name and without.
LINES = (
    "p vfs_read",
    "r vfs_write $retval",
    "p vfs_open+4 %di" if os.uname().release.startswith("6.12") else "p vfs_open %di",
    "r5:rr vfs_read",
    "p:foo/named vfs_read a=%di b=%si:x8",
    "p vfs_mkdir%return ret=$retval:s32",
    "p ext4:ext4_file_read_iter",
    "p /bin/sh:0x1000",
    "p:up /bin/sh:0x1010 %ax",
)
NEWER = (  # group without a name since 5.15, with the rest where the README says so
    ("p:foo/ vfs_rmdir", ""),
    ("p:my.dot vfs_read", ""),
    ("f vfs_read", "f[:"),
    ("f vfs_write%return r=$retval", "f[:"),
    ("f:fg/ vfs_open", "f[:"),
    ("t sched_switch", "t[:"),
    ("e sched.sched_switch", "[if <filter>]"),
    ("e:grp/ sched/sched_waking pid=$pid", "[if <filter>]"),
)


def control_file(line: str) -> str:
    if line[0] in "fte":
        return "dynamic_events"
    return "uprobe_events" if "/bin/sh" in line else "kprobe_events"


def test_the_kernels_own_lines(ktrace: Callable, write: Callable, tracing: Path, kernel: Kernel) -> None:
    """Taken as the kernel takes them: the same list of events, names and groups included."""
    readme = (tracing / "README").read_text()
    lines = [*LINES, *(line for line, feature in NEWER if feature in readme)]
    if "f[:" not in readme and "<attached-group>" not in readme:  # 5.10
        lines = list(LINES)
    shown = []
    for by_hand in (True, False):
        if by_hand:
            for line in lines:
                write(tracing / control_file(line), line)
        else:
            ktrace("add", "--from", "-", stdin="".join(f"{line}  # one\n" for line in lines).encode())
        shown.append((tracing / "dynamic_events").read_text())
        events = [line.split()[0].partition(":")[2] for line in shown[-1].splitlines()]
        assert len(events) == len(lines)
        for name in ("kprobe_events", "uprobe_events", "dynamic_events"):
            for event in events if name == "dynamic_events" else ():
                write(tracing / name, f"-:{event}")
    assert shown[0] == shown[1].replace(" arg1=$retval", " arg1=$retval") or names(shown[0]) == names(
        shown[1]
    )


def names(text: str) -> list[list[str]]:
    """Kind, event and place of each line: ktrace names arguments that the kernel counts."""
    return [line.split()[:2] for line in text.splitlines()]


def test_lines_that_define_nothing_are_refused_at_once(ktrace: Callable) -> None:
    cases = {
        ("-:vfs_read",): "ktrace remove vfs_read",
        ("!p:x", "vfs_read"): "ktrace remove x",
        ("s:syn", "int", "x"): "a synthetic event is not a probe",
        ("p:", "vfs_read"): "name is missing",
        ("p:/x", "vfs_read"): "group's name is missing",
        ("p:x",): "names no place",
        ("p5:a", "vfs_read"): "return probe",
        ("p:u", "busybox:0x1000"): "not a place",
    }
    for words, text in cases.items():
        assert text in ktrace("add", *words, status=2).err, words
    one = ktrace("trace", "--json", "p:mine", "vfs_read", "n=%dx:u64", "-c", "cat /proc/version", "-n", "1")
    assert one.records("event")[0]["event"] == "mine"


def test_one_place_that_is_refused_does_not_stop_the_others(ktrace: Callable, tracing: Path) -> None:
    """Places are refused by ktrace (a word, a name) and by the kernel, in each command that takes several."""
    words = (
        "vfs_read",
        ",",
        "vfs_raed",
        ",",
        "vfs_write",
        "a=%foo",
        ",",
        "vfs_open",
        "a=$args->x",
        ",",
        "vfs_rmdir",
    )
    outcome = ktrace("add", *words, status=None)
    assert outcome.status in (2, 3, 4) and outcome.out == "kprobes/vfs_read\nkprobes/vfs_rmdir\n"
    assert "'vfs_raed'" in outcome.err and "register name" in outcome.err and "2 of 5 probes" in outcome.err
    atomic = ktrace("add", "--atomic", "vfs_open", ",", "p:1x", "vfs_open", status=2)
    assert atomic.out == "" and "vfs_open" not in (tracing / "kprobe_events").read_text()
    source = ktrace("add", "--from", "-", stdin=b"vfs_open\np:x vfs_open+0x\nvfs_mkdir\n", status=2)
    assert source.out == "kprobes/vfs_open\nkprobes/vfs_mkdir\n" and "-:2:" in source.err
    removed = ktrace("remove", "vfs_*", "none", status=4)
    assert "4 of 4 probes removed" in removed.err and "'none'" in removed.err


@pytest.mark.parametrize(
    "command",
    [
        ["trace", "-q", "vfs_read", ",", "p:!", "x", ",", "vfs_write", "a=%foo"],
        ["record", "-q", "-o", "/tmp/words.dat", "vfs_read", ",", "vfs_write", "a=%foo"],
        ["count", "-q", "vfs_read", "no_such_function"],
        ["graph", "-q", "vfs_read", "no_such_function"],
    ],
    ids=lambda words: words[0],
)
def test_a_run_goes_on_with_what_was_not_refused(ktrace: Callable, command: list[str]) -> None:
    outcome = ktrace(*command, "-c", "cat /proc/version", status=None)
    if command[0] == "graph" and outcome.status == 5:  # such kernels follow calls in the top buffer alone
        assert "top buffer only" in outcome.err
        return
    assert outcome.status in (2, 3, 4), outcome
    assert "vfs_read" in outcome.out or command[0] == "record"
    assert "%foo" in outcome.err or "no_such_function" in outcome.err
