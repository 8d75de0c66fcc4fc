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
    function of(t) { return task_open_file_handles(t) }
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
        # Tasks known by number.
        ("println(task_prio(task_current()))", "println(__ktrace_task_prio(tid()));"),
        ("println(task_nice(pid2task($x)))", "println(__ktrace_task_nice($x));"),
        ("t = pid2task(7); println(task_pid(t))", "(t = __ktrace_task(7)); println(__ktrace_task_pid(t));"),
        (
            "t = task_current(); p = task_parent(t); println(pstrace(p))",
            "(t = tid()); (p = ppid()); println(__ktrace_pstrace(p));",
        ),
        ("t = task_current(); println(of(t))", "(t = tid()); println(__ktrace_task_open_files(t));"),
        ("println(of(task_current()))", "println(__ktrace_task_open_files(tid()));"),
        ("if (task_current() == $x) next", "if ((tid() == task_tid($x))) { next; }"),
        (
            "t = task_current(); t = pid2task(1); println(task_execname(t))",
            "(t = tid()); (t = __ktrace_task(1)); println(pid2execname(t));",
        ),
        (
            "if ($x) t = task_current(); else t = $y; println(task_pid(t))",
            "if ($x) { (t = tid()); } else (t = $y); println(task_pid(t));",
        ),
        # Tasks that the probe points to.
        ("println(pstrace($x))", "println(__ktrace_pstrace(task_tid($x)));"),
        ("println(task_open_file_handles($x->y))", "println(__ktrace_task_open_files(task_tid($x->y)));"),
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
