"""Users without root: the one capability that is enough, and what a group can do and cannot."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import Outcome

NOBODY = 65534
UNAVAILABLE = 5
REFUSED = 3


def test_one_capability_is_enough(tracing: Path) -> None:
    privileges = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    privileges += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    ktrace = [sys.executable, "-m", "ktrace", "trace", "vfs_read", "-n", "1", "-c", "cat /proc/uptime"]
    done = subprocess.run(
        ["setpriv", *privileges, *ktrace],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "vfs_read" in done.stdout, done


@pytest.fixture
def grouped(tracing: Path) -> Iterator[None]:
    """Nobody's group may enter tracefs, write definitions, and make instances."""
    written = [tracing / name for name in ("kprobe_events", "uprobe_events", "dynamic_events", "instances")]
    modes = [path.stat().st_mode for path in written]
    subprocess.run(["mount", "-o", f"remount,gid={NOBODY},mode=750", str(tracing)], check=True)
    for path in written:
        path.chmod(0o770)
    yield
    for path, mode in zip(written, modes, strict=True):
        path.chmod(mode & 0o7777)
    subprocess.run(["mount", "-o", "remount,gid=0,mode=700", str(tracing)], check=True)


def test_a_group_defines_probes_and_cannot_trace(ktrace: Callable[..., Outcome], grouped: None) -> None:
    assert ktrace("add", "vfs_read", uid=NOBODY).out == "kprobes/vfs_read\n"
    assert "vfs_read" in ktrace("list", uid=NOBODY).out
    for argv in (("trace", "vfs_read", "-d", "1"), ("count", "vfs_read", "-d", "1")):
        refused = ktrace(*argv, uid=NOBODY, status=UNAVAILABLE)
        assert "no right to trace" in refused.err and "--ambient-caps=+dac_override" in refused.err
    refused = ktrace("enable", "vfs_read", uid=NOBODY, status=REFUSED)
    assert "Permission denied" in refused.err and "dac_override" in refused.err
    ktrace("remove", "vfs_read", uid=NOBODY)
