"""Tasks known by number, and every function of a task that takes one."""

import pytest

from ktrace.script.passes.builtins import BUILTINS
from ktrace.script.passes.tasks import BY_NUMBER
from tests.unit.script.scripts import FakeKernel, compiled


@pytest.mark.parametrize("name", BY_NUMBER)
def test_every_function_takes_the_current_task_a_number_and_a_local(name: str) -> None:
    (one,) = BUILTINS[BY_NUMBER[name]]
    assert one.params == ("long",) and one.needs in ((), ("ts",))
    for task in ("task_current()", "pid2task(7)", "task_parent(task_current())", "t"):
        kernel = FakeKernel(["f"])
        compiled(f'probe kernel.function("f") {{ t = task_current() println({name}({task})) }}', kernel)
        assert all(read.text.startswith("$") for read in kernel.asked["f"])  # no variable of the probe


@pytest.mark.parametrize("name", ["task_pid", "task_tid", "pstrace", "task_open_file_handles", "task_nice"])
def test_tasks_that_the_probe_points_to_are_read_there(name: str) -> None:
    for task in ("$x", "p", "($x + 8)", "kernel_pointer($x)", "task_parent($x)"):
        kernel = FakeKernel(["f"])
        compiled(f'probe kernel.function("f") {{ p = $x println({name}({task})) }}', kernel)
        assert any("struct task_struct" in read.text for read in kernel.asked["f"]), task
