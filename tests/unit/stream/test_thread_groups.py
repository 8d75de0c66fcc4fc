"""The processes of threads."""

from pathlib import Path

from ktrace.host.local import LocalHost
from ktrace.stream.thread_groups import ThreadGroups
from ktrace.tracefs.files import Files


def test_a_thread_is_looked_up_once() -> None:
    asked: list[int] = []

    def saved() -> str:
        asked.append(1)
        return "5 50\n"

    groups = ThreadGroups(saved, Files(LocalHost(), "/proc"))
    assert [groups([5])[5] for _ in range(3)] == [50, 50, 50]
    assert len(asked) == 1


def test_the_idle_task_and_an_unknown_thread_are_their_own(tmp_path: Path) -> None:
    groups = ThreadGroups(lambda: "", Files(LocalHost(), str(tmp_path)))
    assert {tid: groups([0, 8])[tid] for tid in (0, 8)} == {0: 0, 8: 8}
