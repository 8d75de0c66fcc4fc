"""Outputs of commands that trace: the kernel's rules for links, a full disk, kills, closed streams."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

READS = "dd if=/dev/zero of=/dev/null bs=77 count={} status=none"
PROTECTED = ("protected_symlinks", "protected_regular", "protected_fifos")


@pytest.fixture
def sticky(tmp_path: Path) -> Iterator[Path]:
    """A folder that all may write, such as /tmp: the kernel looks at who made what is in it."""
    settings = [Path("/proc/sys/fs", name) for name in PROTECTED]
    before = [path.read_text() for path in settings]
    for path, value in zip(settings, ("1", "2", "2"), strict=True):
        path.write_text(value)
    folder = tmp_path / "sticky"
    folder.mkdir()
    folder.chmod(0o1777)
    yield folder
    for path, value in zip(settings, before, strict=True):
        path.write_text(value)


def shell_can(path: Path) -> bool:
    return subprocess.run(["sh", "-c", 'true > "$1"', "sh", str(path)], check=False).returncode == 0


def test_what_another_user_has_planted_is_not_written(ktrace: Callable, sticky: Path) -> None:
    """Every command that has an output refuses it for root; a shell is refused in the same way."""
    victim = sticky.parent / "victim"
    victim.write_text("root's own")
    link, dangling, file = sticky / "link", sticky / "dangling", sticky / "file"
    link.symlink_to(victim)
    dangling.symlink_to(sticky.parent / "made")
    file.write_text("theirs")
    for path in (link, dangling, file):
        os.chown(path, 1234, -1, follow_symlinks=False)
        assert not shell_can(path)
    commands = [
        ["record", "vfs_read", "-d", "0", "-o"],
        ["trace", "vfs_read", "-d", "0", "-o"],
        ["graph", "vfs_read", "-d", "0", "-o"],
        ["run", "-e", "probe begin { exit() }", "-o"],
        ["stack", "vfs_read", "-d", "0", "--svg"],
    ]
    for words in commands:
        for path in (link, dangling, file) if words[0] in ("record", "run") else (link,):
            err = ktrace(*words, str(path), status=1).err
            assert f"ktrace: {path} cannot be written: Permission denied" in err
    assert victim.read_text() == "root's own" and file.read_text() == "theirs"
    assert not (sticky.parent / "made").exists()
    assert sorted(p.name for p in sticky.iterdir()) == ["dangling", "file", "link"]
    # The user's own link is followed there, and stays.
    os.chown(link, 0, 0, follow_symlinks=False)
    ktrace("record", "-q", "vfs_read", "-d", "0", "-o", str(link))
    assert link.is_symlink() and victim.read_bytes()[3:10] == b"tracing"
    assert ktrace("report", "-q", str(link)).out == ""


def test_a_full_disk_at_the_start_of_a_recording(ktrace: Callable, tmp_path: Path) -> None:
    """The earlier recording stays, and nothing else."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], check=True)
    try:
        path = disk / "a.dat"
        for earlier in (None, b"an earlier recording"):
            if earlier is not None:
                path.write_bytes(earlier)
            err = ktrace("record", "-o", str(path), "vfs_read", "-c", "true", status=1).err
            assert f"ktrace: {path} cannot be written: No space left on device" in err
            assert [p.name for p in disk.iterdir()] == (["a.dat"] if earlier else [])
        assert path.read_bytes() == b"an earlier recording"
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        err = ktrace("record", "-o", str(path), "vfs_read", "-c", "true", status=1).err
        assert f"ktrace: {path} cannot be written: Read-only file system" in err
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_the_earlier_recording_stays_until_the_new_one_is_whole(
    ktrace: Callable, start: Callable, armed: Callable, tmp_path: Path
) -> None:
    path = tmp_path / "a.dat"
    ktrace("record", "-q", "-o", str(path), "vfs_read", "n=%dx:u64", "-c", READS.format(3))
    path.chmod(0o600)
    earlier = path.read_bytes()
    run = start("record", "-q", "-o", str(path), "vfs_read", "n=%dx:u64")
    run.until(armed)
    subprocess.run(f"taskset -c 1 {READS.format(2_000)}", shell=True, check=True)
    part = Path(f"{path}.cpu1")
    run.until(lambda: part.exists() and part.stat().st_size > 4096)
    # Nobody reads in its parts what they could not read in the file.
    assert {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()} == {0o600}
    busy = ktrace("record", "-o", str(path), "vfs_read", "-c", "true", status=6).err
    assert "is being recorded by another ktrace" in busy
    run.signal(signal.SIGKILL)
    run.wait()
    assert path.read_bytes() == earlier
    note = ktrace("report", str(path), "--json").err
    assert f"ktrace report --recover {path}" in note
    recovered = ktrace("report", str(path), "--json", "--recover", status=7)
    assert len(recovered.records("event")) > 100
    ktrace("clean")
    run = start("record", "-q", "-o", str(path), "vfs_read", "n=%dx:u64")
    run.until(armed)
    run.signal(signal.SIGTERM)
    assert run.wait().status == 128 + signal.SIGTERM
    assert [p.name for p in tmp_path.iterdir()] == ["a.dat"] and path.read_bytes() != earlier
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ktrace("report", str(path))


def test_a_run_that_fails_leaves_what_was_there(ktrace: Callable, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("what was there before")
    for words in (["trace", "-o"], ["graph", "-o"], ["stack", "--fold"], ["record", "-o"]):
        failed = ktrace(words[0], "no_such_function_at_all", words[1], str(path), status=None)
        # Some kernels have the graph tracer in the top buffer alone, and say that first.
        assert failed.status == 4 or (words[0] == "graph" and failed.status == 5), failed
    again = ["--svg", str(path), "--speedscope", str(tmp_path / "sub/../out")]
    (tmp_path / "sub").mkdir()
    assert "same file" in ktrace("stack", "vfs_read", *again, status=2).err
    assert path.read_text() == "what was there before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "sub"]
    ktrace("trace", "-q", "vfs_read", "-o", str(path), "-c", READS.format(2))
    assert path.read_text().count("vfs_read:") >= 2 and len(list(tmp_path.iterdir())) == 2


def test_closed_standard_output(tmp_path: Path) -> None:
    """Lost output is a failure, and none of our files gets its bytes."""
    path = tmp_path / "a.dat"
    done = {}
    for words in (
        ["trace", "-q", "vfs_read", "-c", READS.format(3)],
        ["count", "-q", "vfs_read", "-c", READS.format(3)],
        ["record", "-q", "-o", str(path), "vfs_read", "-c", "echo k7q-lost"],
    ):
        shell = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "ktrace", *words]
        outcome = subprocess.run(shell, capture_output=True, text=True, check=False)
        done[words[0]] = outcome.returncode, outcome.stderr
    for command in ("trace", "count"):
        assert done[command] == (1, "ktrace: standard output: Bad file descriptor\n")
    # echo says itself that it could not. Names of symbols, which a recording holds, may end in "lost".
    assert done["record"][0] not in (0, 70) and b"k7q-lost\n" not in path.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["a.dat"]
    assert subprocess.run([sys.executable, "-m", "ktrace", "report", str(path)], check=False).returncode == 0
