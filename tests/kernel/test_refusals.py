"""Each failure: a message with the thing, the kernel's words and the next step, and nothing changed.

After every test, `untouched` (conftest) checks that the kernel's files are as before.
"""

import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

NOBODY = 65534


def test_unknown_symbol_names_the_closest(ktrace: Callable) -> None:
    err = ktrace("add", "vfs_raed", status=4).err
    assert "no function 'vfs_raed'" in err and "close to it: vfs_read" in err
    assert "Invalid probed address or symbol" in err and "^" in err


def test_a_name_of_an_event_is_told_from_a_function(ktrace: Callable) -> None:
    outcome = ktrace("trace", "sched_switch", status=4)
    assert "hint: an event has this name: `ktrace trace sched:sched_switch`" in outcome.err


def test_unknown_symbol_that_nearly_has_an_old_name(ktrace: Callable) -> None:
    assert "do_fork (kernel_clone here)" in ktrace("add", "do_forkk", status=4).err


def test_a_data_symbol_is_told_from_a_function(ktrace: Callable) -> None:
    assert "is data, not a function" in ktrace("add", "jiffies", status=4).err


def test_unknown_data_symbol(ktrace: Callable) -> None:
    err = ktrace("add", "vfs_read", "x=@no_such_symbol", status=4).err
    assert "no data symbol 'no_such_symbol'" in err and caret_text(err).startswith("@no_such_symbol")


@pytest.mark.parametrize("name", ["do_int3", "exc_int3"])
def test_not_probeable_says_which_list(ktrace: Callable, debugfs: Path, name: str) -> None:
    if f"\t{name}\n" not in (debugfs / "kprobes/blacklist").read_text():
        name = (debugfs / "kprobes/blacklist").read_text().splitlines()[0].split("\t")[1]
    assert "kprobe blacklist" in ktrace("add", name, status=3).err


def test_notrace_says_which_list(ktrace: Callable, tracing: Path, debugfs: Path) -> None:
    """A function of the kernel's text that is on neither list of what can be probed."""
    functions = (tracing / "available_filter_functions").read_text().splitlines()
    traceable = {line.split()[0] for line in functions}
    refused = {line.split("\t")[1] for line in (debugfs / "kprobes/blacklist").read_text().splitlines()}
    words = (line.split() for line in Path("/proc/kallsyms").read_text().splitlines())
    count = Counter(w[2] for w in words if w[1] in "tT")
    wanted = re.compile(r"(?:native_|default_|nmi_|rcu_nmi|ct_|irqentry_|ftrace_)\w+\Z")
    candidates = [
        n for n in count if wanted.match(n) and count[n] == 1 and n not in traceable and n not in refused
    ]
    for name in candidates[:40]:
        outcome = ktrace("add", name, status=None)
        if outcome.status == 0:
            ktrace("remove", name)
        elif "notrace" in outcome.err:
            assert outcome.status == 3 and "available_filter_functions" in outcome.err
            return
    pytest.fail(f"none of {candidates[:40]} is refused as notrace")


def test_several_of_one_name_are_listed_and_one_can_be_chosen(ktrace: Callable) -> None:
    refused = ktrace("add", "load_elf_binary", status=None)
    if refused.status == 0:  # older kernels take the first without a word
        ktrace("remove", "load_elf_binary")
        return
    assert refused.status == 3
    err = refused.err
    addresses = [
        line.split()[0]
        for line in Path("/proc/kallsyms").read_text().splitlines()
        if line.split()[2] == "load_elf_binary"
    ]
    assert len(addresses) == 2 and "2 functions called 'load_elf_binary'" in err
    assert all(f"0x{a}" in err for a in addresses)
    assert ktrace("add", f"0x{addresses[1]}", "di=%di").out == f"kprobes/addr_{addresses[1]}\n"
    ktrace("remove", "addr_*")


def test_bad_register(ktrace: Callable) -> None:
    err = ktrace("add", "vfs_read", "ok=%di", "bad=%rdi", status=3).err
    assert "Invalid register name" in err and caret_text(err).startswith("%rdi") and "%di" in err


def test_bad_type(ktrace: Callable) -> None:
    err = ktrace("add", "vfs_read", "a=%di:u128", status=3).err
    assert "Unknown type is specified" in err and caret_text(err) == "u128" and "ustring" in err


def test_bad_fetch_arguments_keep_the_kernels_caret(ktrace: Callable) -> None:
    for argument, at in (("a=+0(%di", None), ("a=$nope", "nope"), ("a=$retval", None), ("a=%di[2]", None)):
        err = ktrace("add", "vfs_read", argument, status=3).err
        assert "^" in err, err
        if at:
            assert caret_text(err).lstrip("$").startswith(at)


def test_too_many_arguments(ktrace: Callable, tracing: Path) -> None:
    """Kernels up to 6.5 drop what is over 128 without a word; ktrace must not."""
    err = ktrace("add", "vfs_read", *[f"a{n}=%di" for n in range(129)], status=None)
    assert err.status in (2, 3) and "128" in err.err


def test_offset_within_an_instruction(ktrace: Callable) -> None:
    outcome = ktrace("add", "do_sys_openat2+0x3", status=None)
    offset = 3
    while outcome.status == 0 and offset < 12:
        ktrace("remove", "do_sys_openat2*")
        offset += 1
        outcome = ktrace("add", f"do_sys_openat2+{offset}", status=None)
    assert outcome.status == 3 and "boundary" in outcome.err


def test_offset_beyond_the_function(ktrace: Callable) -> None:
    outcome = ktrace("add", "vfs_read+0xfffff", status=None)
    assert outcome.status in (3, 4) and "vfs_read" in outcome.err


def test_name_taken(ktrace: Callable) -> None:
    ktrace("add", "vfs_read")
    taken = ktrace("add", "vfs_write", "--name", "vfs_read", status=6)
    assert "is there already" in taken.err and "--append" in taken.err
    assert "vfs_write" not in ktrace("list").out
    ktrace("add", "vfs_write", "--name", "vfs_read", "--append")
    assert len(ktrace("list", "--json").records("probe")) == 2
    different = ktrace("add", "vfs_open", "x=%di", "--name", "vfs_read", "--append", status=6)
    assert "different from existing probe" in different.err
    ktrace("remove", "vfs_read")


def test_busy_names_the_instance_and_leaves_all_as_it_was(
    ktrace: Callable, write: Callable, tracing: Path
) -> None:
    ktrace("add", "vfs_read", "--enable")
    (tracing / "instances/someone").mkdir()
    try:
        write(tracing / "instances/someone/events/kprobes/vfs_read/enable", "1")
        err = ktrace("remove", "vfs_read", status=6).err
        assert "kprobes/vfs_read is in use by" in err and "instance someone" in err
        assert (tracing / "events/kprobes/vfs_read/enable").read_text().startswith("1")
    finally:
        (tracing / "instances/someone").rmdir()
    ktrace("remove", "vfs_read")


def test_a_name_that_would_leave_the_directory(ktrace: Callable) -> None:
    for name in ("../x", "a b", "enable", "a" * 64, "1a", ""):
        ktrace("add", "vfs_read", "--name", name, status=2)
    assert ktrace("add", "vfs_read", "--group", "../..", status=2)


def test_newlines_and_comments_cannot_be_smuggled_in(ktrace: Callable, tracing: Path) -> None:
    for argument in ("a=%di\np:evil vfs_write", "a=%di#", "a=%di b=%si"):
        outcome = ktrace("add", "vfs_read", argument, status=None)
        if outcome.status == 0:  # a blank only separates two arguments
            ktrace("remove", "vfs_read")
        assert "evil" not in (tracing / "kprobe_events").read_text()


def test_nobody_is_told_what_to_do(ktrace: Callable) -> None:
    for command in (["add", "do_fork"], ["list"], ["trace", "do_fork"], ["clean"], ["switch", "off"]):
        err = ktrace(*command, uid=NOBODY, status=5).err
        assert "run it as root" in err, (command, err)


def test_no_tracefs(ktrace: Callable) -> None:
    """In a mount namespace without tracefs and debugfs, commands say so."""
    script = (
        "umount -a -t tracefs; umount -a -t tracefs; umount -a -t debugfs; "
        f"{shlex.quote(sys.executable)} -m ktrace add do_fork; echo status=$?"
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert "status=5" in done.stdout, done
    assert "tracefs is not mounted" in done.stderr and "mount -t tracefs" in done.stderr


def caret_text(err: str) -> str:
    """Return the text that the caret points at."""
    lines = err.splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip() == "^")
    return lines[at - 1][lines[at].index("^") :]
