"""Handlers and functions as Python text."""

from ktrace.script.passes.emit import emit
from ktrace.script.passes.emitted import Emitted, Handler
from tests.unit.script.passes.one_pass import after
from tests.unit.script.scripts import FakeKernel


def emitted(script: str) -> Emitted:
    return after(emit, script, FakeKernel(["f"])).emitted


def test_a_handler_takes_what_it_needs_of_each_event() -> None:
    made = emitted(
        'global n probe kernel.function("f") { if ($x == 5) n[execname()]++; else println(n["a"]) }'
    )
    assert (
        made.text
        == """\
def p_0(c_f0, c_comm):
    if (c_f0 == 5):
        try: t1 = g_n[c_comm] + 1
        except KeyError: g_n.put(c_comm, +1)
        else: g_n[c_comm] = wrap(t1) if t1 > HIGH else t1
    else:
        out(str(g_n.get('a', 0)) + '\\n')
"""
    )
    assert made.handlers == {"probe 0": Handler("p_0", ("f0", "comm"))}


def test_a_handler_that_calls_a_function_counts_its_actions() -> None:
    made = emitted("function twice(n) { return n * 2 } probe begin { println(twice(4)) exit() }")
    assert (
        made.text
        == """\
def f_twice_1(v_n):
    global act, nest
    act -= 1
    if act < 0: too_many()
    nest += 1
    if nest > NESTING: too_deep()
    try:
        return (t1 if -9223372036854775808 <= (t1 := v_n * 2) <= 9223372036854775807 else wrap(t1))
        return 0
    finally: nest -= 1

def p_0():
    global act, nest
    act = MORE_ACTIONS; nest = 0
    out(str(f_twice_1(4)) + '\\n')
    b_exit()
"""
    )


def test_a_value_of_the_entry_is_kept_for_the_return() -> None:
    made = emitted('probe kernel.function("f").return { println(@entry($x)) }')
    assert (
        made.text
        == """\
saved_p_0 = {}
def p_0_entry(c_f0, c_tid):
    saved_p_0.setdefault(c_tid, []).append((c_f0,))

def p_0(c_tid):
    stack_ = saved_p_0.get(c_tid)
    if not stack_: return no_entry()
    c_e0,  = stack_.pop()
    if not stack_: saved_p_0.pop(c_tid, None)
    out(str(c_e0) + '\\n')
"""
    )
    assert made.handlers == {
        "probe 0 entry": Handler("p_0_entry", ("f0", "tid")),
        "probe 0": Handler("p_0", ("tid",)),
    }
