"""Names and processes of tasks while a script runs."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ktrace.host.local import LocalHost
from ktrace.script.driver import live_tasks
from ktrace.script.driver.live_tasks import LiveTasks
from ktrace.script.runtime.tasks import Tasks
from ktrace.tracefs.files import Files


@pytest.fixture
def look_ups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LiveTasks:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/comm").write_text("now\n")
    (tmp_path / "7/status").write_text("Name:\tnow\nTgid:\t70\n")
    monkeypatch.setattr(live_tasks, "names_proc", lambda _: Files(LocalHost(), str(tmp_path)))

    def read(name: str) -> str:
        raise OSError(name)

    session = SimpleNamespace(host=None, saved_names=lambda: "7 saved\n", tracing=SimpleNamespace(read=read))
    return LiveTasks(session, Tasks())  # type: ignore[arg-type]


def test_a_name_that_the_kernel_saved_is_that_of_the_last_event(look_ups: LiveTasks) -> None:
    assert look_ups.names([7])[7] == "saved"


def test_where_names_are_followed_it_is_the_present_one(look_ups: LiveTasks) -> None:
    look_ups.follows = True
    assert look_ups.names([7])[7] == "now"


def test_a_name_at_a_time_is_known_after_a_change(look_ups: LiveTasks) -> None:
    assert look_ups.name_at(7, 5) is None
    look_ups._tasks.renamed(7, 3, "sh", "dd")
    assert (look_ups.name_at(7, 2), look_ups.name_at(7, 5)) == ("sh", "dd")


def test_processes_on_a_kernel_that_saves_none(look_ups: LiveTasks) -> None:
    assert {tid: look_ups.groups([7, 8])[tid] for tid in (7, 8)} == {7: 70, 8: 8}
