"""Names, parents and programs of tasks over time."""

from ktrace.script.runtime.tasks import Program, Tasks


def test_a_name_holds_after_its_change_and_the_old_one_before() -> None:
    tasks = Tasks()
    assert tasks.name(7, 100) is None
    tasks.renamed(7, 100, "sh", "ls")
    tasks.renamed(7, 300, "ls", "cat")
    assert [tasks.name(7, ts) for ts in (50, 100, 101, 300, 301)] == ["sh", "sh", "ls", "ls", "cat"]


def test_changes_may_be_told_out_of_order() -> None:
    tasks = Tasks()
    tasks.renamed(7, 300, "ls", "cat")
    tasks.renamed(7, 100, "sh", "ls")
    assert [tasks.name(7, ts) for ts in (50, 200, 400)] == ["sh", "ls", "cat"]


def test_a_new_task_has_no_name_before_it_was_made() -> None:
    tasks = Tasks()
    tasks.renamed(7, 100, "old", "older")
    tasks.renamed(7, 200, None, "sh")
    assert [tasks.name(7, ts) for ts in (150, 250)] == ["older", "sh"]


def test_a_process_has_the_parent_and_the_program_that_it_began_with() -> None:
    tasks = Tasks()
    tasks.executed(10, 100, Program(["sh", "-c", "x"]))
    tasks.born(11, 200, 10)
    tasks.executed(11, 300, Program(["x"], ["A=1"]))
    assert tasks.parent(11, 250) == 10 and tasks.parent(10, 250) is None
    before, after = tasks.program(11, 250), tasks.program(11, 350)
    assert before is not None and after is not None
    assert (list(before.arguments), list(after.arguments)) == (["sh", "-c", "x"], ["x"])
    assert tasks.program(11, 150) is None


def test_the_parent_of_an_orphan_is_not_known() -> None:
    tasks = Tasks()
    tasks.born(11, 200, 10)
    tasks.ended(10, 300)
    assert (tasks.parent(11, 250), tasks.parent(11, 350)) == (10, None)


def test_what_held_before_is_forgotten_but_the_last() -> None:
    tasks = Tasks()
    for ts, name in ((100, "a"), (200, "b"), (300, "c")):
        tasks.renamed(7, ts, "x", name)
    tasks.forget(250)
    assert [tasks.name(7, ts) for ts in (260, 350)] == ["b", "c"]
