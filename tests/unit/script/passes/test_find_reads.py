"""The values that probes fetch for a handler."""

import pytest

from ktrace.script.kernel_interface import Read
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.find_reads import find_reads
from tests.unit.script.passes.one_pass import after
from tests.unit.script.scripts import FakeKernel

ENTRY, RETURN, EVENT = 'kernel.function("f")', 'kernel.function("f").return', 'kernel.trace("f")'


def read(point: str, body: str, more: str = "") -> tuple[list[str], list[str]]:
    """Return the values read at the event, and at the entry before it."""
    (hook,) = after(find_reads, f"{more} probe {point} {{ {body} }}", FakeKernel(["f"])).hooks
    if hook.refused is not None:
        raise hook.refused
    return [str_of(one) for one in hook.wanted.reads], [str_of(one) for one in hook.wanted.entry_reads]


def str_of(one: Read) -> str:
    return one.text if one.kind == "number" else f"{one.text}:{one.kind}"


@pytest.mark.parametrize(
    ("point", "body", "at_event", "at_entry"),
    [
        (ENTRY, "println($x + $x + $y->z[1])", ["x", "y->z[1]"], []),
        (ENTRY, "p = $x; println(p->y)", ["x", "x->y"], []),
        (ENTRY, 'println(@cast($x, "file")->f_mode)', ["((struct file *)x)->f_mode"], []),
        (ENTRY, "println(kernel_string($x), user_string($y))", ["x:string", "y:ustring"], []),
        (ENTRY, "println(kernel_int($x), kernel_int(&$y))", ["+0(x):s32", "y:s32"], []),
        (ENTRY, "println(int_arg(2))", ["$arg2:s32"], []),
        # Computed addresses: a value of the kernel and constants.
        (ENTRY, "println(kernel_int($x + 4 * 2))", ["+8(x):s32"], []),
        (ENTRY, "println(kernel_int($x->y - 8))", ["-8(x->y):s32"], []),
        (ENTRY, "println(kernel_int(&$x->y + 4))", ["+4(&x->y):s32"], []),
        (ENTRY, "println(user_long($x + 16))", ["+u16(x):s64"], []),
        (ENTRY, "println(kernel_string($x + 4))", ["+4(x):string"], []),
        (ENTRY, "println(kernel_string(kernel_pointer($x + 8)))", ["+0(+8(x)):string"], []),
        (ENTRY, "println(user_string(user_ulong($x)))", ["+u0(+u0(x)):ustring"], []),
        (ENTRY, 'println(@cast($x + 8, "t")->y)', ["((struct t *)&+8(x))->y"], []),
        (ENTRY, 'println(@cast(kernel_long($x + 8), "t")->y)', ["((struct t *)+8(x))->y"], []),
        (ENTRY, 'println(@cast(0xffff000000000000, "t")->y)', ["((struct t *)&@0xffff000000000000)->y"], []),
        (ENTRY, "println(kernel_long(0xffff000000000000 + 8))", ["@0xffff000000000008:s64"], []),
        (ENTRY, 'println(kernel_int(&@var("v") + 4))', ["+4(&@v):s32"], []),
        (ENTRY, 'println(@var("v")->m->n, @var("v@f.c", "mod")[2])', ["@v->m->n", "@v[2]"], []),
        (ENTRY, 'println(kernel_int(&@var("v")->m))', ["@v->m:s32"], []),
        (ENTRY, "n = 2; println($x[n + 1], $x->a[n * 2])", ["x[3]", "x->a[4]"], []),
        (ENTRY, "p = $x + 8; q = p + 8; println(kernel_int(q))", ["x", "+16(x):s32"], []),
        (ENTRY, "if ($x) { p = $y; println(p->z) }", ["x", "y", "y->z"], []),
        (RETURN, "println(kernel_int($return + 4))", ["+4($retval):s32"], []),
        (RETURN, "println(kernel_int($x + 4))", [], ["+4(x):s32"]),
        (ENTRY, "println(execname())", ["$comm:string"], []),
        (RETURN, "println($return)", ["$retval"], []),
        (RETURN, "println($x)", [], ["x"]),
        (RETURN, "println(@entry($x), execname())", ["$comm:string"], ["x", "$comm:string"]),
        (EVENT, "println(execname())", [], []),
        # What is read of the task itself.
        (ENTRY, "println(uid())", ["$current->cred->uid.val"], []),
        (ENTRY, "println(execname(), uid())", ["$comm:string", "$current->cred->uid.val"], []),
        (ENTRY, "println(proc_mem_size(1))", [], []),
        (
            ENTRY,
            "println(proc_mem_size(), proc_mem_data())",
            ["$current->mm", "$current->mm->total_vm", "$current->mm->data_vm", "$current->mm->stack_vm"],
            [],
        ),
        (
            RETURN,
            "println(@entry(ppid()))",
            ["$current->real_parent->tgid"],
            ["$current->real_parent->tgid"],
        ),
        (ENTRY, "println(task_parent(task_current()) == 1)", ["$current->real_parent->tgid"], []),
        (EVENT, "println(uid())", [], []),
    ],
)
def test_reads(point: str, body: str, at_event: list[str], at_entry: list[str]) -> None:
    assert read(point, body) == (at_event, at_entry)


def test_probes_fetch_for_the_functions_that_a_handler_calls() -> None:
    more = "function f() { return g() } function g() { return strlen(execname()) + returnval() }"
    assert read(RETURN, "println(f())", more) == (["$retval", "$comm:string"], [])
    assert read(RETURN, "println(1)", more) == ([], [])
    more = "function f() { return g() } function g() { return sid() }"
    reads = ["$current->signal->pids[3]", "$current->signal->pids[3]->numbers[0].nr"]
    assert read(ENTRY, "println(f())", more) == (reads, [])
    assert read(ENTRY, "println(1)", more) == ([], [])


@pytest.mark.parametrize(
    ("point", "body", "message"),
    [
        ("begin", "println($x)", "there are no variables of the kernel at begin"),
        ("begin", 'println(@cast(0, "t")->m)', "read by probes of the kernel, and begin is not one"),
        ("begin", 'println(@var("x"))', "read by probes of the kernel, and begin is not one"),
        ("begin", "println(kernel_int(8))", "read by probes of the kernel, and begin is not one"),
        (ENTRY, "println($return)", r"\$return is known at a function's return"),
        (ENTRY, "println($x[pid()])", "an index into the kernel's memory is a constant"),
        # Addresses that a probe cannot compute.
        (ENTRY, "println(kernel_int($x + $y))", "this value is only known later"),
        (ENTRY, "println(kernel_int($x & 7))", "this value is only known later"),
        (ENTRY, "println(kernel_int(-$x))", "this value is only known later"),
        (ENTRY, "println(kernel_int($x + pid()))", "this value is only known later"),
        (ENTRY, "println(kernel_int(kernel_int($x) + 4))", "this value is only known later"),
        (ENTRY, "println(kernel_int($x + 0x100000000))", "at most 2 GiB"),
        # Tasks that are known by number.
        (ENTRY, 'println(@cast(pid2task($x), "t")->y)', "this value is only known later"),
        (ENTRY, 'println(@cast(task_current(), "t")->y)', "this value is only known later"),
        (ENTRY, 't = pid2task(7); println(@cast(t, "t")->y)', "this value is only known later"),
        # Locals that may have another value.
        (ENTRY, "if ($x) n = 8; println(kernel_int($x + n))", "this value is only known later"),
        (ENTRY, "if ($x) n = 8; else println(kernel_int($x + n))", "this value is only known later"),
        (ENTRY, "n = 8; n += 8; println(kernel_int($x + n))", "this value is only known later"),
        (ENTRY, "println(kernel_int($x + n)); n = 8", "this value is only known later"),
        (ENTRY, "p = p + 8; println(kernel_int(p))", "this value is only known later"),
        (ENTRY, "for (i = 0; i < 2; i++) println($x[i])", "is a constant"),
        (ENTRY, "$x = 1", "nothing is written to the kernel"),
    ],
)
def test_what_cannot_be_read(point: str, body: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        read(point, body)
