"""Probes at source lines read local variables: those of the distribution's own kernel, as it runs.

Lines are counted from the function's declaration; they are those of Linux 6.12, fs/read_write.c.
"""

import json
from collections.abc import Callable
from pathlib import Path

from tests.kernel.scene import COMM, COUNT, FILE, POS, play

FILTER = ("--json", "--filter", f"COMM == '{COMM}'")


def line_of(ktrace: Callable, vmlinux: str, function: str, n: int) -> tuple[str, int]:
    """File and line of line `n` of a function."""
    record = json.loads(ktrace("lines", function, "--vmlinux", vmlinux, "--json").out)
    assert n in [line["n"] for line in record["lines"]]
    return record["file"], record["declared"] + n


def test_arguments_and_locals_inside_a_function(
    start: Callable, ktrace: Callable, tracing: Path, vmlinux: str
) -> None:
    """After the checks at the function's start, the arguments are no longer in their registers."""
    file, line = line_of(ktrace, vmlinux, "vfs_read", 12)
    words = ("vfs_read:12", "count", "*pos", "file:path", "buf:x64", ",",
             f"{file}:{line}", "ret", "count", "file->f_inode->i_mode", ",",
             "vfs_read:24", "ret", "*pos", "file->f_path.dentry->d_name.name", ",",
             "vfs_read+0", "count")  # fmt: skip
    run = start("trace", *words, *FILTER, "--vmlinux", vmlinux)
    facts = play(run, tracing)
    outcome = run.wait()
    assert outcome.status == 0, outcome.err
    found: dict[str, list[dict]] = {}
    for record in outcome.records("event"):
        found.setdefault(record["event"], []).append(record["args"])
    assert {"count": COUNT, "pos": POS, "file": FILE, "buf": facts["buffer"]} in found["vfs_read_L12"]
    # `ret` is a local: 0 from the check that has just been passed, later the bytes that were read.
    assert {"ret": 0, "count": COUNT, "i_mode": 0o100640} in found[f"read_write_L{line}"]
    assert {"ret": COUNT, "pos": POS + COUNT, "name": FILE} in found["vfs_read_L24"], found["vfs_read_L24"]
    assert {"count": COUNT} in found["vfs_read"]


def test_structs_on_the_stack_of_an_inlined_function(
    start: Callable, ktrace: Callable, tracing: Path, vmlinux: str
) -> None:
    words = ("new_sync_read:10", "kiocb.ki_pos", "kiocb.ki_filp:path", "iter.count", "kiocb.ki_filp->f_pos")
    run = start("trace", *words, *FILTER, "--vmlinux", vmlinux)
    play(run, tracing)
    outcome = run.wait()
    args = [record["args"] for record in outcome.records("event")]
    assert {"ki_pos": POS, "ki_filp": FILE, "count": COUNT, "f_pos": POS} in args, (args, outcome.err)


def test_a_function_that_is_only_inlined(
    start: Callable, ktrace: Callable, tracing: Path, vmlinux: str
) -> None:
    for words in (("new_sync_read",), ("new_sync_read", "len")):
        err = ktrace("add", *words, "--vmlinux", vmlinux, status=4).err
        assert "new_sync_read is inlined at 1 place:" in err and "vfs_read+" in err and "--inlined" in err
    run = start("trace", "new_sync_read", "filp:path", "len", "--inlined", *FILTER, "--vmlinux", vmlinux)
    play(run, tracing)
    outcome = run.wait()
    assert {"filp": FILE, "len": COUNT} in [r["args"] for r in outcome.records("event")], outcome


def test_every_function_of_a_file(ktrace: Callable, vmlinux: str) -> None:
    added = ktrace("add", ":fs/read_write.c", "--group", "many", "--vmlinux", vmlinux)
    probes = {p["place"] for p in ktrace("list", "--json").records("probe")}
    assert {"vfs_read", "vfs_write", "vfs_llseek"} <= probes and len(probes) > 40
    assert len(added.out.splitlines()) == len(probes)
    ktrace("remove", "many/*")


def test_what_is_not_there(ktrace: Callable, vmlinux: str) -> None:
    err = ktrace("add", "vfs_read:12", "contu", "--vmlinux", vmlinux, status=2).err
    assert "no variable 'contu'" in err and "did you mean count" in err
    err = ktrace("add", "vfs_read:24", "count", "--vmlinux", vmlinux, status=2).err
    assert "'count' cannot be read at this place: only its value at the function's entry is known" in err
    err = ktrace("add", "vfs_read:13", "--vmlinux", vmlinux, status=4).err
    assert "no code begins at fs/read_write.c" in err and "vfs_read:12" in err
    err = ktrace("add", "-r", "vfs_read:12", "--vmlinux", vmlinux, status=2).err
    assert "does not return" in err


def test_without_debug_info_it_says_what_to_install(ktrace: Callable) -> None:
    for words in (("vfs_read:12", "count"), ("fs/read_write.c:561",), (":fs/read_write.c",)):
        err = " ".join(ktrace("add", *words, status=4).err.split())
        assert "no debug info of the running kernel" in err and "apt install linux-image-" in err
    err = " ".join(ktrace("add", "vfs_read+53", "count", status=2).err.split())
    assert "only when the function is entered" in err and "apt install linux-image-" in err
