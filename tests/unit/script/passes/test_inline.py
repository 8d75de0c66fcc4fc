"""Functions that read memory, in the handlers that call them."""

import pytest

from ktrace.script.passes.inline import inline
from tests.unit.script.passes.one_pass import after, handlers
from tests.unit.script.scripts import FakeKernel

FUNCTIONS = """
    global g
    function name(t) { return kernel_string(t) }
    function flag(t) { s = kernel_int(t); if (s > 2) return 1; return s }
    function second(t) { p = t + 8; return kernel_int(p) }
    function twice(n) { return n * 2 }
    function noisy(t) { print(1); return kernel_int(t) }
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("println(name($x))", "println(kernel_string($x));"),
        ("println(flag($x))", "println(((kernel_int($x) > 2) ? 1 : kernel_int($x)));"),
        ("println(second($x))", "println(kernel_int(($x + 8)));"),
        # These stay calls: the first reads no memory, the second does more than return a value.
        ("println(twice($x))", "println(twice($x));"),
        ("println(noisy($x))", "println(noisy($x));"),
        ("println(flag(g++))", "println(flag((g++)));"),
        ("println(task_pid(task_current()))", "println(pid());"),
        ("t = task_current(); println(task_execname(t))", "(t = tid()); println(execname());"),
        ("println(task_pid(task_parent(task_current())))", "println(ppid());"),
    ],
)
def test_calls(body: str, expected: str) -> None:
    made = after(inline, f'{FUNCTIONS} probe kernel.function("f") {{ {body} }}', FakeKernel(["f"]))
    assert handlers(made) == [f'kernel.function("f") {{ {expected} }}']


def test_an_alias_becomes_part_of_the_body() -> None:
    text = 'probe a = kernel.function("f") { x = 1 } probe a { print(x) }'
    (hook,) = after(inline, text, FakeKernel(["f"])).hooks
    assert not hook.before and not hook.after
    assert handlers(after(inline, text, FakeKernel(["f"]))) == [
        'kernel.function("f") { { (x = 1); } { print(x); } }'
    ]
