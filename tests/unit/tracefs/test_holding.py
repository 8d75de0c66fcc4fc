import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ktrace.host.local import LocalHost
from ktrace.tracefs import holding
from ktrace.tracefs.holding import Held, Judge, Life, Verdict, look_for
from ktrace.tracefs.instances import INITIAL_PID_NAMESPACE, Owner
from tests.unit.tracefs.scripted import Scripted

ME = Owner.of_this_process(LocalHost())
GONE = replace(ME, starttime=ME.starttime - 1)  # this id, but another process
ELSEWHERE = replace(ME, namespace=4_026_540_000)


@pytest.fixture
def files(tmp_path: Path) -> Scripted:
    files = Scripted(tmp_path, {"instances/other/tracing_on": "1\n"})

    def made(path: str, text: str) -> None:
        if text == "mkdir":
            files.put(f"{path}/tracing_on", "1\n")

    files.after = made
    return files


def judged(files: Scripted, owner: Owner) -> Verdict:
    with Judge(files) as judge:
        return judge.of(owner, [name for name in files.list("instances") if Owner.of_name(name) == owner])


@pytest.mark.parametrize("owner", [GONE, ELSEWHERE, Owner(1, 1, 4_026_540_000)])
def test_a_session_lives_as_long_as_it_holds_its_instance(files: Scripted, owner: Owner) -> None:
    """A held instance shows that its session runs, whatever can be seen of its process."""
    held = Held(files)
    held.make(f"instances/{owner.name}")
    verdict = judged(files, owner)
    assert verdict.life is Life.ALIVE
    assert f"process {owner.pid} cannot be seen" in verdict.why
    held.let_go(f"instances/{owner.name}")
    held.let_go(f"instances/{owner.name}")  # a second time does nothing
    assert judged(files, owner) == Verdict(Life.DEAD)


def test_one_of_its_instances_is_enough(files: Scripted) -> None:
    held = Held(files)
    files.mkdir(f"instances/{ELSEWHERE.name}")
    held.make(f"instances/{ELSEWHERE.name}_graph")
    assert judged(files, ELSEWHERE).life is Life.ALIVE
    held.let_go(f"instances/{ELSEWHERE.name}_graph")
    assert judged(files, ELSEWHERE).life is Life.DEAD


def test_a_process_that_can_be_seen_needs_no_words(files: Scripted) -> None:
    Held(files).make(f"instances/{ME.name}")
    assert judged(files, ME) == Verdict(Life.ALIVE)
    assert judged(files, replace(ME, namespace=None)) == Verdict(Life.ALIVE)


def test_an_instance_that_cannot_be_looked_at(files: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    files.mkdir(f"instances/{ELSEWHERE.name}")
    files.mkdir(f"instances/{GONE.name}")

    def refuse(path: str) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(files, "hold", refuse)
    verdict = judged(files, ELSEWHERE)
    assert verdict.life is Life.UNKNOWN
    assert verdict.why == f"instance {ELSEWHERE.name} cannot be examined: Permission denied"
    assert judged(files, GONE).life is Life.DEAD  # its process is known to be another


def test_who_judges_waits_for_an_instance_that_is_being_made(
    files: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between mkdir and the lock it looks like a dead session's."""
    waits: list[float] = []
    monkeypatch.setattr(holding.time, "sleep", waits.append)
    monkeypatch.setattr(holding, "_TRIES", 3)
    during: list[int] = []

    def made(path: str, text: str) -> None:
        judged(files, ELSEWHERE)
        during.append(len(waits))

    files.after = made
    Held(files).make("instances/new")
    assert during == [3]
    judged(files, ELSEWHERE)
    assert len(waits) == 3  # it has been made


def test_an_instance_that_cannot_be_held_is_not_made(
    files: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(files, "hold", refuse)
    with pytest.raises(PermissionError):
        Held(files).make("instances/new")
    assert files.tries["instances/new"] == 2, "made, and removed"


def test_what_a_number_says(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    ended = Owner.of_process(LocalHost(), child.pid)
    assert ended is not None and look_for(LocalHost(), ended).life is Life.DEAD, (
        "not waited for, but still dead"
    )
    child.wait()
    monkeypatch.setattr(holding, "own_pid_namespace", lambda host: INITIAL_PID_NAMESPACE)
    assert look_for(LocalHost(), Owner(child.pid, 1)).life is Life.DEAD
    assert look_for(LocalHost(), Owner(0, 1)).life is Life.DEAD
    assert look_for(LocalHost(), Owner(1 << 80, 1)).life is Life.DEAD
    assert look_for(LocalHost(), Owner(ME.pid, ME.starttime)).life is Life.ALIVE
    assert look_for(LocalHost(), Owner(ME.pid, ME.starttime - 1)).life is Life.DEAD


def test_a_number_of_another_namespace_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where a process has that number and began just then."""
    assert look_for(LocalHost(), ELSEWHERE).life is Life.UNKNOWN
    monkeypatch.setattr(holding, "own_pid_namespace", lambda host: 4_026_540_000)
    assert look_for(LocalHost(), replace(ME, namespace=None)).life is Life.UNKNOWN
    assert look_for(LocalHost(), ELSEWHERE).life is Life.ALIVE


def test_a_process_that_proc_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "_proc_is_of_this_namespace", lambda host: False)
    verdict = look_for(LocalHost(), ME)
    assert verdict == Verdict(Life.UNKNOWN, f"/proc does not show process {ME.pid}, which exists")
