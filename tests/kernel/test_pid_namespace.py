"""ktrace in a pid namespace, as a container has one: the kernel traces by the machine's process ids."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ktrace.tracefs.pid_namespace import FIRST

from .conftest import Outcome

LOOP = "while :; do cat /proc/uptime >/dev/null; sleep 0.1; done"
UNAVAILABLE = 5


def inside(script: str, *options: str) -> Outcome:
    """Run a shell in a new pid namespace; `$KTRACE` is ktrace."""
    done = subprocess.run(
        ["unshare", "-pf", *options, "bash", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "KTRACE": f"{sys.executable} -m ktrace"},
        cwd=Path(__file__).parents[2],
        timeout=300,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)


def events(text: str) -> Sequence[dict]:
    return [r for r in map(json.loads, text.splitlines()) if r["type"] == "event"]


@pytest.fixture
def quiet_machine() -> None:
    assert str(Path("/proc/self/ns/pid").readlink()) == FIRST


def test_a_process_is_refused_where_its_id_cannot_be_known_and_a_command_is_followed(
    quiet_machine: None, tmp_path: Path
) -> None:
    script = f"""
        ({LOOP}) & loop=$!
        $KTRACE trace vfs_read -p $loop --children -n 1 -d 20; echo "p $?"
        $KTRACE trace vfs_read --json -c 'cat /proc/uptime' >{tmp_path}/c; echo "c $?"
        $KTRACE run -c 'cat /proc/uptime' -e 'global n probe kernel.function("vfs_read") {{
            if (pid() == target()) n++ }} probe end {{ println("n ", n) }}'; echo "run $?"
        kill $loop
    """
    done = inside(script, "--mount-proc")
    lines = done.out.splitlines()
    assert f"p {UNAVAILABLE}" in lines and "pid namespace" in done.err and "-c CMD" in done.err
    assert "c 0" in lines and "run 0" in lines
    (count,) = [int(line.split()[1]) for line in lines if line.startswith("n ")]
    assert count > 0
    seen = events((tmp_path / "c").read_text())
    assert seen and {record["comm"] for record in seen} <= {"cat", "ktrace", "python", "python3", "<...>"}


def test_the_machines_proc_tells_which_process_it_is(quiet_machine: None, tmp_path: Path) -> None:
    host = tmp_path / "proc"
    host.mkdir()
    mount = f"mount --bind /proc {host}; mount -t proc proc /proc"
    script = f"""
        {mount}
        ({LOOP}) & loop=$!
        $KTRACE trace vfs_read -p $loop --children -n 3 -d 60 --json >{tmp_path}/p; echo "p $?"
        $KTRACE count vfs_read -p $loop --children -d 2 --by pid --json >{tmp_path}/n; echo "n $?"
        $KTRACE trace vfs_read -p 4000000 -n 1 -d 5; echo "none $?"
        kill $loop; cat /proc/self/stat
    """
    done = inside(script, "--mount")
    assert "p 0" in done.out and "n 0" in done.out and "none 4" in done.out, done
    seen = events((tmp_path / "p").read_text())
    assert len(seen) == 3 and {record["comm"] for record in seen} <= {"cat", "sleep", "bash"}
    rows = [r for r in map(json.loads, (tmp_path / "n").read_text().splitlines()) if r["type"] == "row"]
    assert rows


def test_what_ktrace_does_itself_is_not_recorded_there(
    quiet_machine: None, ktrace: Callable[..., Outcome], tmp_path: Path
) -> None:
    script = f"$KTRACE trace vfs_read -d 2 --json >{tmp_path}/own; echo $?"
    done = inside(script, "--mount-proc")
    assert done.out.split() == ["0"], done
    assert not [r for r in events((tmp_path / "own").read_text()) if "python" in r["comm"]]


@pytest.mark.skipif(os.cpu_count() == 1, reason="needs another CPU than the one that is traced")
def test_its_own_id_is_found_on_a_cpu_that_is_not_traced(quiet_machine: None) -> None:
    """A marker from there is refused with EBADF, where CPUs have been chosen before."""
    last = (os.cpu_count() or 1) - 1
    done = inside(
        f"taskset -c {last} $KTRACE trace sched:sched_switch --cpu 0 -n 1 -d 20 --json", "--mount-proc"
    )
    assert done.status == 0 and [event["cpu"] for event in events(done.out)] == [0], done
