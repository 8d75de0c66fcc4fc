"""Five hundred probes: added by one command, switched by one write, listed, removed."""

import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

COUNT = 500


@pytest.fixture(scope="module")
def functions(tracing: Path) -> list[str]:
    """Names of functions that can be probed, and that are there only once."""
    names = [line.split()[2] for line in Path("/proc/kallsyms").read_text().splitlines()]
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    traceable = (tracing / "available_filter_functions").read_text().splitlines()
    wanted = [n for n in traceable if re.fullmatch(r"(ext4|tcp|ip6?|udp|inet|sock|btrfs|nfs|xfs)_\w+", n)]
    found = [n for n in wanted if seen.get(n) == 1][:COUNT]
    assert len(found) == COUNT
    return found


@pytest.fixture
def definitions(functions: list[str], tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "probes.txt"
    path.write_text("# five hundred\n\n" + "".join(f"{name} a=%di\n" for name in functions))
    yield path


def test_five_hundred(
    ktrace: Callable, definitions: Path, tracing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    took = {}

    def step(name: str, *argv: str) -> str:
        began = time.monotonic()
        out = ktrace(*argv)
        took[name] = time.monotonic() - began
        return out.out + out.err

    assert f"{COUNT} of {COUNT} probes added" in step("add", "add", "--from", str(definitions), "-g", "many")
    assert len((tracing / "kprobe_events").read_text().splitlines()) == COUNT
    assert "switched on" in step("enable", "enable", "many/*")
    assert (tracing / "events/many/enable").read_text().strip() == "1"
    listing = step("list", "list")
    assert listing.count("many/") == COUNT and "DISABLED" not in listing
    assert f"{COUNT} of {COUNT} probes removed" in step("remove", "remove", "many/*")
    with capsys.disabled():
        print("  " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in took.items()), end=" ")


def test_the_group_is_switched_by_one_write(ktrace: Callable, tracing: Path) -> None:
    """The number of writes is known from the files that are opened for writing."""
    ktrace("add", "vfs_open", ",", "vfs_fsync", ",", "vfs_mkdir", ",", "vfs_rmdir", "-g", "few")
    run = ktrace(
        "trace", "do_sys_openat2", "path=+u0(%si):ustring", "flags=+0(%dx):u64", "--json",
        "--filter", 'path ~ "*/enable"', "-c",
        f"{shlex.quote(sys.executable)} -m ktrace enable few/*",
    )  # fmt: skip
    opened = [e["args"] for e in run.records("event")]
    assert [a["path"] for a in opened if a["flags"] & os.O_ACCMODE] == [f"{tracing}/events/few/enable"]
    assert (tracing / "events/few/enable").read_text().strip() == "1"
    ktrace("remove", "few/*")


def test_one_refusal_does_not_take_the_others_with_it(ktrace: Callable, tracing: Path) -> None:
    outcome = ktrace("add", "vfs_read", ",", "no_such_function_here", ",", "vfs_write", status=4)
    assert outcome.out.split() == ["kprobes/vfs_read", "kprobes/vfs_write"]
    assert "no_such_function_here" in outcome.err and "2 of 3 probes added" in outcome.err
    ktrace("remove", "vfs_*")


def test_atomic_undoes_all(ktrace: Callable, tracing: Path) -> None:
    outcome = ktrace(
        "add", "--atomic", "--enable", "vfs_read", ",", "vfs_write", ",", "vfs_open", "a=%nope", status=3
    )
    assert outcome.out == "" and "Invalid register name" in outcome.err
    assert (tracing / "kprobe_events").read_text() == ""


def test_undoing_leaves_what_was_there_before(ktrace: Callable, tracing: Path) -> None:
    """--append and --atomic: only the probe point that was added goes."""
    ktrace("add", "vfs_read", "a=%di")
    before = (tracing / "kprobe_events").read_text()
    ktrace("add", "--atomic", "--append", "--name", "vfs_read", "vfs_read+0xfffff", "a=%di", status=None)
    lines = "p:kprobes/vfs_read vfs_write a=%di\np:kprobes/other vfs_open a=%nope\n"
    ktrace("add", "--atomic", "--append", "--from", "-", stdin=lines.encode(), status=3)
    assert (tracing / "kprobe_events").read_text() == before
    ktrace("remove", "vfs_read")


def test_a_bad_line_in_a_file_is_named_and_the_others_are_defined(
    ktrace: Callable, tracing: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("vfs_read\nvfs_write a=\n")
    outcome = ktrace("add", "--from", str(path), status=2)
    assert f"{path}:2:" in outcome.err and outcome.out == "kprobes/vfs_read\n"
    ktrace("remove", "vfs_read")


def test_the_kernels_own_lines_from_stdin(ktrace: Callable, tracing: Path) -> None:
    lines = "p:own/a vfs_read x=%di\nr5:own/b vfs_write y=$retval\n"
    ktrace("add", "--from", "-", stdin=lines.encode())
    assert (tracing / "kprobe_events").read_text() == lines
    ktrace("remove", "own/*")


def test_dry_run_writes_nothing_and_its_shell_does_the_same(ktrace: Callable, tracing: Path) -> None:
    import subprocess

    script = ktrace("add", "--dry-run", "do_fork", "flags=+0(%di):x64", "--enable", "--stack").out
    assert (tracing / "kprobe_events").read_text() == ""
    subprocess.run(["sh", "-e", "-c", script], check=True)
    (probe,) = ktrace("list", "--json").records("probe")
    assert probe["definition"] == "p:kprobes/do_fork kernel_clone flags=+0(%di):x64"
    assert probe["enabled"] and probe["triggers"] == ["stacktrace:unlimited"]
    ktrace("remove", "do_fork")
