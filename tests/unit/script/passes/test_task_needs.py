"""Questions about tasks that a script's events do not answer."""

import pytest

from ktrace.script.passes.runnable import TaskNeeds
from tests.unit.script.scripts import FakeKernel, compiled


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ('probe kernel.function("f") { println(execname()) }', TaskNeeds()),
        ('probe kernel.trace("f") { println(execname()) }', TaskNeeds(names=True)),
        ('probe kernel.trace("f") { println(thread_indent(1)) }', TaskNeeds(names=True)),
        ("probe begin { println(execname()) }", TaskNeeds()),
        # A probe of a function reads the parent itself.
        ('probe kernel.function("f") { println(ppid()) }', TaskNeeds()),
        ('function p() { return ppid() } probe kernel.function("f") { println(p()) }', TaskNeeds()),
        ('probe kernel.function("f") if (ppid() == 1) { print(1) }', TaskNeeds()),
        ('probe kernel.function("f") { println(ppid(), pid2execname(1)) }', TaskNeeds(lives=True)),
        ('probe kernel.trace("f") { println(ppid()) }', TaskNeeds(lives=True)),
        ('probe kernel.trace("f") { println(pexecname()) }', TaskNeeds(lives=True)),
        ('function p() { return ppid() } probe kernel.trace("f") { println(p()) }', TaskNeeds(lives=True)),
        (
            'probe kernel.function("f") { println(ppid()) } probe kernel.trace("f") { println(ppid()) }',
            TaskNeeds(lives=True),
        ),
        ('probe kernel.function("f") { println(cmdline_str()) }', TaskNeeds(lives=True, programs=True)),
        (
            'probe kernel.function("f") { println(env_var("X")) }',
            TaskNeeds(lives=True, programs=True, environment=True),
        ),
        ('probe kernel.function("f") { println(symname($x)) }', TaskNeeds(addresses=True)),
    ],
)
def test_needs(text: str, needs: TaskNeeds) -> None:
    assert compiled(text, FakeKernel(["f"], reads_task=True)).runnable().needs == needs


def test_parents_are_followed_if_a_probe_cannot_read_them() -> None:
    text = 'probe kernel.function("f") { println(ppid()) }'
    assert compiled(text, FakeKernel(["f"])).runnable().needs == TaskNeeds(lives=True)
