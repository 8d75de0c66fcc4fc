"""Events that tell of tasks."""

from pathlib import Path

from ktrace.host.local import LocalHost
from ktrace.model.batch import Batch, Chunk
from ktrace.script.runtime.columns import ChunkEvents, Columns
from ktrace.script.runtime.task_events import PresentNames, exec_arguments, take_lives, take_names
from ktrace.script.runtime.tasks import Tasks
from ktrace.tracefs.files import Files
from tests.unit.script.scripts import events

US = 1000
BEGIN = 2_000_000_000


def rename(at: int, tid: int, old: str, new: str) -> Batch:
    columns = {"pid": [tid], "oldcomm": [old], "newcomm": [new]}
    return events("task_rename", columns, first=at, tid=tid, pid=tid)


def fork(at: int, pid: int, child: int, comm: str, flags: int = 0) -> Batch:
    columns: dict[str, list[int | str | None]] = {"pid": [child], "comm": [comm], "clone_flags": [flags]}
    return events("task_newtask", columns, first=at, tid=pid, pid=pid)


def happened(*batches: Batch) -> ChunkEvents:
    return ChunkEvents(Chunk(batches))


def test_a_task_that_is_renamed_is_the_one_that_runs_if_the_event_does_not_say() -> None:
    tasks = Tasks()
    take_names(tasks, Columns(events("task_rename", {"oldcomm": ["sh"], "newcomm": ["dd"]}, tid=7)))
    assert tasks.name(7, BEGIN + US) == "dd"


def test_a_new_process_has_the_name_and_the_process_that_made_it() -> None:
    tasks = Tasks()
    made = (fork(1, 10, 11, "sh"), fork(2, 10, 12, "sh", 0x10000), fork(3, 11, 13, "sh", 0x8000))
    for batch in made:
        take_names(tasks, Columns(batch))
    take_lives(tasks, happened(*made))
    assert tasks.name(11, BEGIN + 9 * US) == "sh"
    assert [tasks.parent(pid, BEGIN + 9 * US) for pid in (11, 12, 13)] == [10, None, 10]
    take_lives(tasks, happened(events("sched_process_exit", {"prio": [1]}, first=5, tid=10, pid=10)))
    assert tasks.parent(11, BEGIN + 9 * US) is None


def test_a_process_that_is_made_and_ends_at_once_is_taken_in_order_of_time() -> None:
    """Events of one kind come together, whichever was first."""
    tasks = Tasks()
    exits = events("sched_process_exit", {"prio": [1]}, first=5, tid=10, pid=10)
    take_lives(tasks, happened(exits, fork(1, 9, 10, "sh"), fork(3, 10, 11, "sh")))
    assert tasks.parent(11, BEGIN + 4 * US) == 10
    assert tasks.parent(11, BEGIN + 9 * US) is None


def test_events_that_tell_nothing_of_tasks() -> None:
    tasks = Tasks()
    take_lives(tasks, happened(events("sys_enter", {"id": [1]})))
    take_lives(tasks, happened())
    assert tasks.parent(7, BEGIN + 9 * US) is None


def test_the_program_of_a_process_is_read_from_its_stack() -> None:
    tasks = Tasks()
    columns = {"argc": [2], "a0": ["/bin/x"], "a1": ["one two"], "a2": [None], "a3": ["A=b=c"], "a4": [""]}
    take_lives(tasks, happened(events("ktrace_exec", columns, tid=10, pid=10)))
    program = tasks.program(10, BEGIN + US)
    assert program is not None and not program.is_cut
    assert (list(program.arguments), list(program.environment)) == (["/bin/x", "one two"], ["A=b=c"])


def test_arguments_that_were_not_all_read() -> None:
    tasks = Tasks()
    take_lives(tasks, happened(events("ktrace_exec", {"argc": [3], "a0": ["x"]}, tid=10, pid=10)))
    program = tasks.program(10, BEGIN + US)
    assert program is not None and program.is_cut


def test_what_reads_them() -> None:
    assert exec_arguments(24, 2) == [
        "argc=+u0(+24($arg1)):s32",
        "a0=+u0(+u8(+24($arg1))):ustring",
        "a1=+u0(+u16(+24($arg1))):ustring",
    ]


def test_present_names_are_those_of_proc_before_those_that_were_saved(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/comm").write_text("now\n")
    names = PresentNames(lambda: "7 before\n8 gone\n", Files(LocalHost(), str(tmp_path)))
    assert {pid: names([7, 8, 9]).get(pid) for pid in (7, 8, 9)} == {7: "now", 8: "gone", 9: None}
