"""Whole paths of files, across mounts, against where the test put them; times; the frames of stacks."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A file in a filesystem that is mounted within another one."""
    mounted = tmp_path / "mounted here"
    mounted.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", mounted], check=True)
    file = mounted / "a" / "b" / "of-the-test"
    file.parent.mkdir(parents=True)
    file.write_text("x")
    yield file
    subprocess.run(["umount", mounted], check=True)


def paths(outcome: object, event: str, name: str = "file") -> set[str]:
    records = outcome.records("event")  # type: ignore[attr-defined]
    return {record["args"][name] for record in records if record["event"] == event}


def test_a_path_crosses_mounts(ktrace: Callable, deep: Path) -> None:
    outcome = ktrace("trace", "vfs_read", "file:path", "count", "-c", f"cat '{deep}' /proc/version", "--json")
    assert outcome.status == 0, outcome.err
    seen = paths(outcome, "vfs_read")
    assert str(deep) in seen
    assert "/proc/version" in seen
    assert not any(
        name.startswith("file__") for record in outcome.records("event") for name in record["args"]
    )


def test_text_and_the_kernels_text_show_the_same(ktrace: Callable, deep: Path) -> None:
    for how in ((), ("--text",)):
        outcome = ktrace("trace", "vfs_read", "file:path", *how, "-c", f"cat '{deep}'")
        assert f'file="{deep}"' in outcome.out, (how, outcome.err)


def test_a_bind_mount_begins_within_its_filesystem(ktrace: Callable, deep: Path, tmp_path: Path) -> None:
    other = tmp_path / "bound"
    other.mkdir()
    subprocess.run(["mount", "--bind", deep.parent, other], check=True)
    try:
        outcome = ktrace("trace", "vfs_read", "file:path", "-c", f"cat '{other / deep.name}'", "--json")
        assert str(other / deep.name) in paths(outcome, "vfs_read")
    finally:
        subprocess.run(["umount", other], check=True)


def test_a_dentry_has_its_path_within_its_filesystem(ktrace: Callable, deep: Path) -> None:
    outcome = ktrace("trace", "vfs_unlink", "dentry:path", "-c", f"rm '{deep}'", "--json")
    assert outcome.status == 0, outcome.err
    assert paths(outcome, "vfs_unlink", "dentry") == {"/a/b/of-the-test"}


def test_what_is_too_deep_is_marked(ktrace: Callable, deep: Path) -> None:
    file = deep.parent / "/".join(f"d{n}" for n in range(20)) / "of-the-test"
    file.parent.mkdir(parents=True)
    file.write_text("x")
    outcome = ktrace("trace", "vfs_read", "file:path", "-c", f"cat '{file}'", "--json")
    (path,) = (path for path in paths(outcome, "vfs_read") if path.endswith("/of-the-test"))
    assert path.startswith(".../d")
    assert str(file).endswith(path.removeprefix("..."))


def test_a_pipe_has_no_directories(ktrace: Callable) -> None:
    outcome = ktrace("trace", "vfs_read", "file:path", "-c", "sh -c 'echo x | cat'", "--json")
    assert outcome.status == 0, outcome.err
    assert "pipe:" in paths(outcome, "vfs_read")


def test_recordings_and_probes_that_stay_join_them(ktrace: Callable, deep: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "paths.dat")
    assert ktrace("record", "-o", file, "vfs_read", "file:path", "-c", f"cat '{deep}'").status == 0
    assert str(deep) in paths(ktrace("report", file, "--json"), "vfs_read")
    chosen = ktrace("report", file, "--filter", f'file == "{deep}"')
    assert chosen.out.count(str(deep)) == len(chosen.out.splitlines()) > 0
    assert ktrace("add", "vfs_read", "file:path").status == 0
    assert f'file="{deep}"' in ktrace("trace", "vfs_read", "-c", f"cat '{deep}'").out
    ktrace("remove", "vfs_read")


def test_times(ktrace: Callable) -> None:
    def heads(*how: str) -> list[str]:
        outcome = ktrace("trace", "vfs_read", *how, "-c", "cat /proc/version")
        assert outcome.status == 0, outcome.err
        return [line.split("vfs_read:")[0].split()[-1] for line in outcome.out.splitlines()]

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z:", heads("--time", "iso")[0])
    records = ktrace("trace", "vfs_read", "-c", "cat /proc/version", "--json").records("event")
    now = int(subprocess.run(["date", "+%s"], capture_output=True, check=True).stdout)
    assert all(abs(record["wall_ns"] // 10**9 - now) < 600 for record in records)
    refused = ktrace("trace", "vfs_read", "--clock", "local", "--time", "wall", "-c", "true", status=2)
    assert "local does not tell it" in refused.err


def test_stacks_begin_where_the_probe_is(ktrace: Callable) -> None:
    outcome = ktrace("trace", "vfs_read", "--stack", "-c", "cat /proc/version", "--json")
    stacks = outcome.records("stack")
    assert stacks
    assert {stack["frames"][0].partition("+")[0] for stack in stacks} <= {"vfs_read", "ksys_read"}
