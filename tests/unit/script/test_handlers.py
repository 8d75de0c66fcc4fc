"""Handlers over events: what they are given, and in which order."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ktrace.errors import KtraceError, NotFound
from ktrace.model.batch import Batch
from ktrace.model.format import Format
from ktrace.script.kernel_interface import Found, Read
from ktrace.script.language.points import AtEvent, AtFunction, AtSyscall
from ktrace.script.language.source import ScriptError
from ktrace.script.runtime.tasks import Program
from tests.unit.script.scripts import FakeKernel, compiled, events, feed, run, said, start


def test_a_handler_is_given_just_what_it_reads() -> None:
    kernel = FakeKernel(["vfs_read"])
    text = 'probe kernel.function("vfs_read") { a = $buf; printf("%d %d\\n", $count, $file->f_pos + $count) }'
    ran = start(text, kernel)
    assert kernel.asked["vfs_read"] == [Read("count"), Read("file->f_pos")]
    feed(ran, events("vfs_read", {"f0": [5, -1], "f1": [1, 2]}))
    assert ran.text == "5 6\n-1 1\n"


class WithPatterns(FakeKernel):
    def find(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> Sequence[Found]:
        assert isinstance(site, AtFunction)
        names = [name for name, _ in self.functions(site)]
        return [one for name in names for one in FakeKernel.find(self, replace(site, pattern=name), reads)]

    def exists(self, site: AtFunction | AtEvent | AtSyscall) -> bool:
        return isinstance(site, AtFunction) and bool(self.functions(site))


@pytest.mark.parametrize(
    ("point", "names"),
    [
        ('kernel.function("f_*")', ['kernel.function("f_a")', 'kernel.function("f_b")']),
        ('kernel.fun*("f_*")', ['kernel.function("f_a")', 'kernel.function("f_b")']),
        ("of_mine", ["of_mine", "of_mine"]),
        ("of_*", ["of_mine", "of_mine"]),
    ],
)
def test_the_name_of_a_wildcard_of_functions_is_that_of_the_function(point: str, names: list[str]) -> None:
    alias = 'probe of_mine = kernel.function("f_*") {} '
    ran = start(f"{alias} probe {point} {{ println(pn()) }}", WithPatterns(["f_a", "f_b"]))
    feed(ran, events("f_a", {}), events("f_b", {}))
    assert ran.text.splitlines() == names


def test_all_parameters_at_once() -> None:
    ran = start('probe kernel.function("f") { println($$parms) println($a$ . "!") }', FakeKernel(["f"]))
    feed(ran, events("f", {"f0": [5, -1], "f1": [0, 2]}))
    assert ran.text == "a=0x5 b=0x0\n5!\na=0xffffffffffffffff b=0x2\n-1!\n"


def test_members_of_tasks_by_functions() -> None:
    kernel = FakeKernel(["f"])
    ran = start('probe kernel.function("f") { printf("%d %s\\n", task_pid($p), task_execname($p)) }', kernel)
    reads = [Read("((struct task_struct *)p)->tgid"), Read("((struct task_struct *)p)->comm", "string")]
    assert kernel.asked["f"] == reads
    feed(ran, events("f", {"f0": [5], "f1": ["init"]}))
    assert ran.text == "5 init\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('user_string(0, "none")', "none"),
        ('user_string2(8 - 8, "none")', "none"),
        ('kernel_string(4095, "none")', "none"),
        ('user_string_n2(0, 3, "none")', "none"),
        ("user_string(0)", ""),
        ("user_string_n(0, 3)", ""),
        ("user_string_quoted(0)", '""'),
        ("kernel_string_utf16(0)", ""),
        ("user_int(0) + kernel_long(16)", "0"),
        ('user_string(p, "none")', "none"),
    ],
)
def test_memory_at_a_constant_null_is_not_asked_for(value: str, shown: str) -> None:
    """The kernel refuses a probe with some of these reads, and the others would read nothing."""
    kernel = FakeKernel(["f"])
    ran = start(f'probe kernel.function("f") {{ p = 0; printf("[%s] %d\\n", sprint({value}), $x) }}', kernel)
    feed(ran, events("f", {"f0": [5]}))
    assert ran.text == f"[{shown}] 5\n"
    assert kernel.asked["f"] == [Read("x")]


def test_of_the_event() -> None:
    kernel = FakeKernel(["f"])
    text = """probe kernel.function("f") {
        printf("%s %d %d %d %s %s %d %d\\n", execname(), pid(), tid(), cpu(), probefunc(), pp(),
               gettimeofday_us(), $x) }"""
    ran = start(text, kernel)
    assert kernel.asked["f"] == [Read("x"), Read("$comm", "string")]
    feed(ran, events("f", {"f0": [1], "f1": ["now"]}, first=3))
    assert ran.text == 'now 70 7 0 f kernel.function("f") 1700000002000003 1\n'


def test_text_of_the_kernel_and_of_processes() -> None:
    kernel = FakeKernel(["f"])
    text = """probe kernel.function("f") {
        n = $d->name; printf("%s|%s|%d\\n", kernel_string($d->name), user_string(n), $x) }"""
    ran = start(text, kernel)
    reads = [Read("d->name"), Read("d->name", "string"), Read("d->name", "ustring"), Read("x")]
    assert kernel.asked["f"] == reads
    feed(ran, events("f", {"f0": [8, 8], "f1": ["é", None], "f2": ["b", "c"], "f3": [1, 2]}))
    assert ran.text == "Ã©|b|1\n|c|2\n"


def test_events_of_several_functions_come_in_the_order_of_time() -> None:
    ran = start(
        'probe kernel.function("f") { printf("f%d ", $a) } probe kernel.function("g") { printf("g%d ", $b) }',
        FakeKernel(["f", "g"]),
    )
    f, g = events("f", {"f0": [1, 2]}), events("g", {"f0": [3, 4]})
    f.seq[:], g.seq[:] = [0, 3], [1, 2]
    feed(ran, f, g)
    assert ran.text == "f1 g3 g4 f2 "


def test_what_was_at_the_entry_is_kept_for_the_return() -> None:
    kernel = FakeKernel(["f"])
    text = """probe kernel.function("f").return {
        printf("%d %d %d %s\\n", $return, $n, gettimeofday_us() - @entry(gettimeofday_us()),
               @entry(kernel_string($s))) }"""
    ran = start(text, kernel)
    assert kernel.asked == {"f": [Read("n"), Read("s", "string")], "f_return": [Read("$retval")]}
    entry = events("f", {"f0": [10, 20, 30], "f1": ["a", "b", "c"]}, tid=[1, 2, 1])
    back = events("f_return", {"f0": [-1, -2, -3]}, first=3, tid=[1, 1, 2])
    feed(ran, entry, back)
    # Thread 1 is in the function twice: the inner call returns first.
    assert ran.text == "-1 30 1 c\n-2 10 4 a\n-3 20 4 b\n"


def test_a_constant_null_at_the_entry_is_not_asked_for() -> None:
    kernel = FakeKernel(["f"])
    text = """probe kernel.function("f").return {
        printf("[%s] %d %d\\n", @entry(user_string(0, "none")), @entry(user_int(0) + $n), $return) }"""
    ran = start(text, kernel)
    assert kernel.asked == {"f": [Read("n")], "f_return": [Read("$retval")]}
    feed(ran, events("f", {"f0": [10]}, tid=[1]), events("f_return", {"f0": [-1]}, first=1, tid=[1]))
    assert ran.text == "[none] 10 -1\n"


def test_returnval_is_what_the_function_returned() -> None:
    kernel = FakeKernel(["f"])
    ran = start('probe kernel.function("f").return { printf("%d %d\\n", returnval(), $return) }', kernel)
    assert kernel.asked["f_return"] == [Read("$retval")]
    feed(ran, events("f_return", {"f0": [777, -1]}))
    assert ran.text == "777 777\n-1 -1\n"


def test_functions_of_a_script_may_ask_what_was_returned() -> None:
    kernel = FakeKernel(["f", "g"])
    text = """function back() { return returnval() }
        probe kernel.function("f").return { printf("%d %s\\n", back(), returnstr(1)) }
        probe kernel.function("g"), begin { printf("%d\\n", back()) }"""
    ran = start(text, kernel)
    assert kernel.asked == {"f_return": [Read("$retval")], "g": []}
    feed(ran, events("f_return", {"f0": [5]}), events("g", {}, first=1))
    assert ran.text == "0\n5 5\n0\n"


def test_a_return_whose_entry_nobody_saw_is_not_delivered() -> None:
    text = """probe kernel.function("f").return { printf("%d %d\\n", $return, $n) }
              probe kernel.function("g").return { printf("%d\\n", @entry(7)) }
              probe kernel.function("h").return { printf("%d\\n", $return) }"""
    ran = start(text, FakeKernel(["f", "g", "h"]))
    feed(ran, events("f_return", {"f0": [5]}), events("g_return", {}, first=1))
    feed(ran, events("h_return", {"f0": [6]}, first=2))
    assert ran.text == "6\n"
    assert ran.drive.state.without_entry == 2


def test_conditions_of_points() -> None:
    text = """global on probe kernel.function("f") if (on) { print($x) }
              probe kernel.function("g") { on = $x }"""
    ran = start(text, FakeKernel(["f", "g"]))
    feed(ran, events("f", {"f0": [1]}))
    feed(ran, events("g", {"f0": [1]}))
    feed(ran, events("f", {"f0": [2]}))
    assert ran.text == "2"


def test_exit_leaves_out_what_comes_after_it() -> None:
    ran = start(
        'probe kernel.function("f") { print($x) if ($x == 2) exit() } probe end { print("end") }',
        FakeKernel(["f"]),
    )
    feed(ran, events("f", {"f0": [1, 2, 3]}))
    feed(ran, events("f", {"f0": [4]}))
    assert ran.drive.done
    ran.drive.end()
    assert ran.text == "12end"


def test_timers_come_between_the_events() -> None:
    ran = start(
        'probe timer.us(2) { print("t") } probe kernel.function("f") { print($x) }', FakeKernel(["f"])
    )
    ran.drive.advance(2_000_000_000 - 1)
    ran.text  # noqa: B018 -- what was due before
    ran.written.clear()
    feed(ran, events("f", {"f0": [1, 2, 3, 4, 5]}))
    assert ran.text.replace("t", "") == "12345"
    assert ran.text.count("t") in (2, 3)


def test_what_may_be_missing() -> None:
    kernel = FakeKernel(["f", "h"], missing=["gone"])
    assert len(compiled('probe kernel.function("f"), kernel.function("no") ? { }', kernel).bound) == 1
    chosen = compiled(
        'probe kernel.function("no") !, kernel.function("f") !, kernel.function("h") {}', kernel
    )
    assert [str(b.hook.point) for b in chosen.bound] == ['kernel.function("f")']
    text = (
        'probe kernel.function("f") { print(@defined($gone) ? $gone : 5) print(@choose_defined($gone, 6)) }'
    )
    ran = start(text, kernel)
    feed(ran, events("f", {}))
    assert ran.text == "56"
    with pytest.raises(KtraceError, match=r"t.stp:1:7: kernel.function\(\"no\"\): no no"):
        compiled('probe kernel.function("no") { }', kernel)
    with pytest.raises(KtraceError, match="f has no gone"):
        compiled('probe kernel.function("f") { print($gone) }', kernel)


def test_aliases() -> None:
    text = """
        probe a = kernel.function("f") { n = $x; m = $y }
        probe a += b.return { print("after ") }
        probe b = kernel.function("g") { n = $z }
        probe a { printf("%d ", n) }
    """
    kernel = FakeKernel(["f", "g"])
    ran = start(text, kernel)
    # Nobody looks at m: it is not fetched.
    assert kernel.asked["f"] == [Read("x")]
    feed(ran, events("f", {"f0": [1]}), events("g", {"f0": [2]}), events("g_return", {}, first=5))
    assert ran.text == "1 2 after "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("probe begin { print($x) }", "no variables of the kernel at begin"),
        ('probe kernel.function("f") { $x = 1 }', "nothing is written to the kernel"),
        ('probe kernel.function("f") { a = b + 1 print(kernel_string(a)) }', "read when the probe is hit"),
        ('probe kernel.function("f") { print($return) }', "$return is known at a function's return"),
        ('probe kernel.function("f") { i = tid() print($x->a[i]) }', "is a constant"),
        ("function g() { return $x } probe begin { g() }", "no variables of the kernel"),
        ('probe process("/bin/ls").function("main") { }', "process:"),
        ("probe nothing.like.this { }", "there is no probe point"),
        ("probe timer.xs(1) { }", "there is no timer"),
        ("probe timer.s(0) { }", "above 0"),
        ('probe kernel.function("f").foo { }', "does not belong to a function"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(ScriptError) as caught:
        compiled(text, FakeKernel(["f"]))
    assert message in caught.value.problem


def test_order_of_begin_and_end() -> None:
    begins = 'probe begin(5) {print("b")} probe begin(-1) {print("a")}'
    assert run(begins + ' probe end(2) {print("d")} probe end {print("c")}') == "abcd"
    failing = 'probe begin {error("x")}'
    assert run('probe error {print("error")} probe end {print("end")}' + failing) == "errorERROR: x\n"
    assert said('print("a") next print("b")') == "a"


def test_of_what_a_wildcard_stands_for_something_must_be_there() -> None:
    aliases = 'probe a.x = kernel.function("f") { } probe a.y = kernel.function("g") { println($only) }'
    kernel = FakeKernel(["f"], missing=["only"])
    assert [str(b.hook.point) for b in compiled(f"{aliases} probe a.* {{ }}", kernel).bound] == [
        'kernel.function("f")'
    ]
    for point, functions in (("a.*", ["g"]), ("a.*", ["f", "g"]), ("a.y", ["f", "g"])):
        with pytest.raises(NotFound, match="g has no only"):
            compiled(f"{aliases} probe {point} {{ }}", FakeKernel(functions, missing=["only"]))


def test_parameters_of_each_function_of_a_pattern() -> None:
    kernel = FakeKernel(["read_a", "read_b", "write"])
    bound = compiled('probe kernel.function("read_*") { println($$parms) }', kernel).bound
    assert [str(b.hook.point) for b in bound] == ['kernel.function("read_a")', 'kernel.function("read_b")']
    assert [read.text for read in kernel.asked["read_b"]] == ["a", "b"]


def test_functions_that_read_memory_stand_where_they_are_called() -> None:
    kernel = FakeKernel(["f"])
    text = """
        function name(t) { n = task_execname(t); return n }
        function who(t) { if (task_pid(t) == 0) return "nobody"; return name(t) }
        probe kernel.function("f") { p = task_current() println(who($task)) println(task_pid(p)) println(p) }
    """
    ran = start(text, kernel)
    assert [read.text for read in kernel.asked["f"]] == [
        "((struct task_struct *)task)->tgid",
        "((struct task_struct *)task)->comm",
    ]
    feed(ran, events("f", {"f0": [0, 7], "f1": ["idle", "cat"]}))
    assert ran.text == "nobody\n70\n7\ncat\n70\n7\n"


def test_numbers_in_memory_are_read_where_a_variable_points_to() -> None:
    kernel = FakeKernel(["f"])
    body = "print(kernel_int($x)) print(user_char($y)) print(kernel_long(&$x->y)) print(int_arg(2))"
    compiled(f'probe kernel.function("f") {{ {body} }}', kernel)
    assert [(read.text, read.kind) for read in kernel.asked["f"]] == [
        ("+0(x)", "s32"),
        ("+u0(y)", "u8"),
        ("x->y", "s64"),
        ("$arg2", "s32"),
    ]


class TwoSystems(FakeKernel):
    """A kernel with an event of the same name in each system."""

    def find(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> Sequence[Found]:
        (found,) = FakeKernel.find(self, site, reads)
        return [replace(found, system=getattr(site, "system", None) or "")]


def in_system(system: str, batch: Batch) -> Batch:
    return replace(batch, format=Format(system, batch.event, 1, ()))


def test_events_of_one_name_call_the_handlers_of_their_own_system() -> None:
    text = 'probe kernel.trace("a:f") { print("a") } probe kernel.trace("b:f") { print("b") }'
    ran = start(text, TwoSystems(["f"]))
    feed(ran, in_system("a", events("f", {})), in_system("b", events("f", {}, first=1)))
    feed(ran, in_system("a", events("f", {}, first=2)))
    assert ran.text == "aba"


class OneField(FakeKernel):
    """An event with a field, whose column has the name of the field."""

    def find(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> Sequence[Found]:
        (found,) = FakeKernel.find(self, site, reads)
        return [replace(found, columns=tuple(read.text for read in reads))]


@pytest.mark.parametrize("name", ["pid", "tid", "cpu"])
def test_a_field_with_the_name_of_what_every_event_has(name: str) -> None:
    text = f'probe kernel.trace("f") {{ printf("%d %d %d %d\\n", ${name}, pid(), tid(), cpu()) }}'
    ran = start(text, OneField(["f"]))
    feed(ran, events("f", {name: [5]}))
    assert ran.text == "5 70 7 0\n"


def test_what_the_run_has_seen_of_a_process_is_told_after_its_end() -> None:
    text = """probe kernel.function("f") { printf("%d %s|%s|%s|%s\\n", ppid(), cmdline_str(), cmdline_arg(1),
                                                  cmdline_args(1, 2, "-"), env_var("HOME")) }"""
    ran = start(text, FakeKernel(["f"]))
    gone = (1 << 22) + 70
    ran.drive.state.tasks.born(gone, 1, 60)
    ran.drive.state.tasks.executed(gone, 2, Program(["/bin/x", "one", "two"], ["HOME=/root"]))
    feed(ran, events("f", {}, pid=gone))
    assert ran.text == "60 /bin/x one two|one|one-two|/root\n"


def test_what_nobody_knows_of_a_process_is_told() -> None:
    ran = start('probe kernel.function("f") { print(uid(), pgrp()) }', FakeKernel(["f"]))
    feed(ran, events("f", {}, tid=1 << 23, pid=1 << 23), events("f", {}, first=1, tid=0, pid=0))
    assert ran.text == "0000"
    assert [line.split()[1] for line in ran.told] == ["/proc/PID/status", "/proc/PID/stat"]


def test_what_a_probe_read_of_the_task_is_not_looked_up_later() -> None:
    """Nothing here is in /proc: the ids are those of no process."""
    text = """function parent() { return ppid() }
        probe kernel.function("f") {
            printf("%d %d %s %d", uid(), parent(), pexecname(), pgrp())
            printf(" %d %d %d", proc_mem_size(), proc_mem_rss(), proc_mem_shr())
            printf(" %d %d\\n", proc_mem_txt(), proc_mem_data())
        }"""
    kernel = FakeKernel(["f"], reads_task=True)
    ran = start(text, kernel)
    paths = [read.text.removeprefix("$current->") for read in kernel.asked["f"]]
    given: dict[str, int | str] = {
        **{"mm": 1 << 40, "signal->pids[2]": 1 << 41},
        **{"cred->uid.val": 1000, "signal->pids[2]->numbers[0].nr": 12, "real_parent->tgid": 13},
        **{"real_parent->comm": "init", "mm->total_vm": 50, "mm->rss_stat[0].count": 20},
        **{"mm->rss_stat[1].count": -3, "mm->rss_stat[3].count": 5, "mm->start_code": 4097},
        **{"mm->end_code": 12289, "mm->data_vm": 7, "mm->stack_vm": 4},
    }
    assert set(paths) == set(given)
    feed(ran, events("f", {f"f{i}": [given[path]] for i, path in enumerate(paths)}, tid=1 << 29, pid=1 << 29))
    assert (ran.text, ran.told) == ("1000 13 init 12 50 25 25 3 11\n", [])
