"""Wildcards, several functions of one name, and functions of modules."""

import fnmatch
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kernel.scene import COMM, MADE, play

TWINS = "load_elf_binary"  # of ELF files for 64 and for 32 bits


def symbols() -> dict[str, list[str]]:
    """Addresses by name."""
    found: dict[str, list[str]] = {}
    for line in Path("/proc/kallsyms").read_text().splitlines():
        words = line.split()
        found.setdefault(words[2], []).append(words[0])
    return found


def probeable(tracing: Path, debugfs: Path, glob: str) -> set[str]:
    """Compare with the kernel's own lists."""
    names = {line.split()[0] for line in (tracing / "available_filter_functions").read_text().splitlines()}
    refused = {line.split("\t")[1] for line in (debugfs / "kprobes/blacklist").read_text().splitlines()}
    found = symbols()
    return {name for name in fnmatch.filter(names, glob) if name not in refused and len(found[name]) == 1}


def test_all_that_can_be_probed(ktrace: Callable, tracing: Path, debugfs: Path) -> None:
    outcome = ktrace("add", "vfs_r*", "--group", "many")
    wanted = probeable(tracing, debugfs, "vfs_r*")
    assert {p["place"] for p in ktrace("list", "--json").records("probe")} == wanted
    assert len(outcome.out.splitlines()) == len(wanted) > 5
    ktrace("remove", "many/*")


def test_what_is_left_out_is_counted_with_the_reason(ktrace: Callable) -> None:
    err = ktrace("add", "vfs_read*", "file:path", "%di", "--dry-run").err
    assert re.search(r"'vfs_read\*' matches \d+ functions: 2 are probed; left out: \d+ without", err), err
    err = ktrace("add", "exc_int*", status=4).err
    assert "can be probed: left out" in err and "blacklist" in err


def test_too_many_are_refused_before_anything_is_written(ktrace: Callable) -> None:
    err = ktrace("add", "tcp_*", "--max-probes", "10", status=2).err
    assert re.search(r"matches \d{3} functions that can be probed, more than the 10 of --max-probes", err)
    assert "no function matches 'no_such_*'" in ktrace("add", "no_such_*", status=4).err


def test_a_run_over_a_wildcard(start: Callable, tracing: Path) -> None:
    run = start("trace", "vfs_mk*", "dentry:path", "--json", "--filter", f"COMM == '{COMM}'")
    play(run, tracing)
    outcome = run.wait()
    (record,) = outcome.records("event")
    assert record["event"] == "vfs_mkdir" and record["args"]["dentry"].endswith(f"/{MADE}")


def test_one_of_several_and_all_of_them(ktrace: Callable, start: Callable) -> None:
    found = symbols()[TWINS]
    assert len(found) == 2
    assert "--nth 3: there are 2 functions" in ktrace("add", TWINS, "--nth", "3", status=2).err
    for number, address in enumerate(found, start=1):
        ktrace("add", TWINS, "bprm->filename", "--nth", str(number))
        (line,) = ktrace("list", "--json").records("kprobe")
        assert int(line["address"], 16) - int(address, 16) in (0, 4)  # after ENDBR
        assert line["event"] == f"kprobes/{TWINS}"  # defined as _text+OFFSET, it is found again
        assert f"({TWINS}+0x" in ktrace("list").out
        ktrace("remove", TWINS)
    run = start("trace", TWINS, "bprm->filename", "--all", "--json", "-c", "/bin/true").wait()
    assert "/bin/true" in {r["args"]["filename"] for r in run.records("event")}
    run = start("trace", "-r", TWINS, "$retval", "--all", "--json", "-c", "/bin/true").wait()
    assert 0 in {r["args"]["ret"] for r in run.records("event")}


def test_several_of_one_name_are_named(ktrace: Callable, tracing: Path) -> None:
    outcome = ktrace("add", TWINS, "bprm->filename", status=None)
    if outcome.status == 0:  # older kernels take the first without a word
        ktrace("remove", TWINS)
    else:
        assert all(f"0x{address}" in outcome.err for address in symbols()[TWINS]) and "--nth" in outcome.err


def test_a_module_that_is_not_loaded(ktrace: Callable) -> None:
    outcome = ktrace("add", "ktnone:ktnone_open")
    assert "waits: module ktnone is not loaded" in outcome.err
    (probe,) = ktrace("list", "--json").records("probe")
    assert probe["pending"] is True
    assert "[waits for module ktnone]" in ktrace("list").out
    ktrace("remove", "ktnone_open")
    assert "module 'ktnone' is not loaded" in ktrace("add", "ktnone:ktnone_open", "file", status=5).err


def test_a_module_that_is_none(ktrace: Callable) -> None:
    err = ktrace("add", "notthere:vfs_read").err
    assert "will not be hit: vfs_read is in the kernel itself" in err
    ktrace("remove", "vfs_read")


@pytest.fixture
def module() -> Iterator[str]:
    """A loaded module whose types are described."""
    loaded = [line.split()[0] for line in Path("/proc/modules").read_text().splitlines()]
    found = [
        name for name in ("fuse", "virtiofs") if name in loaded and Path("/sys/kernel/btf", name).exists()
    ]
    if not found:
        pytest.skip("fuse is built in, or modules have no BTF here")
    yield found[0]


def test_arguments_of_a_modules_function(ktrace: Callable, module: str) -> None:
    """A function is found with and without the module's name, because kallsyms has the module."""
    for place in ("fuse:fuse_file_release", "fuse_file_release"):
        ktrace("add", place, "ff->nodeid", "open_flags", "--name", "released")
        (probe,) = ktrace("list", "--json").records("probe")
        assert probe["place"].endswith("fuse_file_release") and not probe["pending"]
        assert [a["type"] for a in probe["args"]] == ["u64", "u32"]
        ktrace("remove", "released")
