"""`ktrace funcs` and `ktrace type` against the kernel's own lists."""

import fnmatch
from collections.abc import Callable
from pathlib import Path

from tests.kernel.scene import COMM, play

NOBODY = 65534


def test_functions_are_those_of_kallsyms(ktrace: Callable, tracing: Path, debugfs: Path) -> None:
    records = ktrace("funcs", "vfs_*", "--json", "--args").records("function")
    lines = [line.split() for line in Path("/proc/kallsyms").read_text().splitlines()]
    expected = [(w[2], f"0x{w[0]}") for w in lines if w[1] in "tTwW" and fnmatch.fnmatchcase(w[2], "vfs_*")]
    assert [(r["name"], r["address"]) for r in records] == expected
    traceable = {
        line.split()[0] for line in (tracing / "available_filter_functions").read_text().splitlines()
    }
    refused = {line.split("\t")[1] for line in (debugfs / "kprobes/blacklist").read_text().splitlines()}
    for record in records:
        can = record["name"] in traceable and record["name"] not in refused
        assert record["probeable"] is can and (record["why_not"] is None) is can
    signature = next(r["signature"] for r in records if r["name"] == "vfs_read")
    assert signature.startswith("ssize_t vfs_read(struct file *file, char ") and "loff_t *pos)" in signature


def test_data_is_no_function_whatever_its_letter(ktrace: Callable) -> None:
    names = {record["name"] for record in ktrace("funcs", "jiffies*", "--json").records("function")}
    assert "jiffies_64_to_clock_t" in names and "jiffies_lock" not in names


def test_blacklisted_and_unknown(ktrace: Callable) -> None:
    assert "on the kprobe blacklist" in ktrace("funcs", "/^exc_int3$/").out
    assert "close to it: vfs_read" in ktrace("funcs", "vfs_raed", status=4).err
    assert ktrace("funcs", "/(/", status=2).err.count("^") == 1


def test_nobody_may_ask_too(ktrace: Callable) -> None:
    outcome = ktrace("funcs", "vfs_read", "--args", uid=NOBODY)
    assert "vfs_read(struct file *file" in outcome.out and "run it as root" in outcome.err
    assert "struct path, 16 bytes" in ktrace("type", "struct path", uid=NOBODY).out


def test_offsets_are_those_that_read_the_right_values(
    ktrace: Callable, start: Callable, tracing: Path
) -> None:
    """The layout is used by hand, in the kernel's own grammar, to read what is known."""
    (record,) = ktrace("type", "task_struct", "comm", "tgid", "--json").records("type")
    offsets = {m["declaration"].split()[-1]: m["offset"] for m in record["members"]}
    comm, tgid = offsets["comm[16]"], offsets["tgid"]
    argv = ("wake_up_new_task", f"comm=+{comm}(%di):string", f"tgid=+{tgid}(%di):s32")
    run = start("trace", *argv, "--json", "--filter", f"COMM == '{COMM}'")
    facts = play(run, tracing)
    (event,) = run.wait().records("event")
    assert event["args"] == {"comm": COMM, "tgid": facts["child"]}


def test_an_enum(ktrace: Callable) -> None:
    assert "1  PIDTYPE_TGID" in ktrace("type", "enum pid_type").out
    assert "did you mean" in ktrace("type", "struct fil", status=4).err
