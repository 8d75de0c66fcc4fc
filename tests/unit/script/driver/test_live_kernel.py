"""Events for a script's probe points, on a kernel whose lists and types the test writes."""

from pathlib import Path

import pytest

from ktrace.errors import KtraceError, NotFound, Unavailable, UsageError
from ktrace.model.debuginfo import FunctionLines
from ktrace.script.driver.kernel_symbols import KernelSymbols
from ktrace.script.driver.live_kernel import ScriptKernel
from ktrace.script.driver.plan import steps
from ktrace.script.kernel_interface import Read
from ktrace.script.language.points import AtEvent, AtFunction, AtSyscall
from ktrace.script.language.preprocess import Facts
from ktrace.script.language.source import SourceFile
from ktrace.script.passes.compiler import Compiled, Compiler
from ktrace.stream.symbol_table import SymbolTable
from ktrace.symbols.kallsyms import Kallsyms
from tests.unit.session.places import NEW_README, OLD_README, SYMBOLS, BuiltKernel

SWITCH = (
    "name: sched_switch\nID: 90\nformat:\n"
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
    "\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;\n"
    "\tfield:pid_t next_pid;\toffset:28;\tsize:4;\tsigned:1;\n\n"
    'print fmt: "x"\n'
)


def built(root: Path, readme: str) -> ScriptKernel:
    kernel = BuiltKernel(root, readme)
    event = root / "tracing/events/sched/sched_switch"
    event.mkdir(parents=True)
    (event / "format").write_text(SWITCH)
    (event / "enable").write_text("0\n")
    return ScriptKernel(kernel, "ktrace_1_2", KernelSymbols(lambda: SymbolTable(b""), None, print))


@pytest.fixture(params=["old", "new"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> ScriptKernel:
    return built(tmp_path, OLD_README if request.param == "old" else NEW_README)


@pytest.fixture
def old(tmp_path: Path) -> ScriptKernel:
    return built(tmp_path / "old", OLD_README)


@pytest.fixture
def new(tmp_path: Path) -> ScriptKernel:
    return built(tmp_path / "new", NEW_README)


def test_a_wildcard_matches_no_more_functions_than_allowed(new: ScriptKernel) -> None:
    site = AtFunction("*")
    assert len(new.find(site, ())) > 1
    new.max_probes, new._asked = 1, {}
    with pytest.raises(UsageError, match="more than the 1 of --max-probes"):
        new.find(site, ())


def test_a_probe_of_a_system_call_follows_as_many_calls_as_asked(new: ScriptKernel) -> None:
    text = "probe syscall.openat.return.maxactive(10) { println($dfd) }"
    compiled(new, text)
    assert sorted(one.probe.to_line()[:2] for one in new.wanted.values()) in (["p:", "r1"], ["r1"])


def compiled(kernel: ScriptKernel, text: str) -> Compiled:
    return Compiler(Facts("6.1", "x86_64"), kernel).run([SourceFile("t.stp", text)])


def lines(kernel: ScriptKernel, text: str) -> list[str]:
    compiled(kernel, text)
    return [one.probe.to_line().removeprefix("p:ktrace_1_2/") for one in kernel.wanted.values()]


def test_arrows_lead_into_structs_too(old: ScriptKernel, new: ScriptKernel, tmp_path: Path) -> None:
    text = 'probe kernel.function("vfs_read") { println(kernel_string($file->f_path->dentry->d_name->name)) }'
    (by_registers,) = lines(old, text)
    assert by_registers.startswith("vfs_read vfs_read f0=+0(+") and by_registers.endswith(":string")
    kernel = built(tmp_path / "newer", NEW_README)
    assert lines(kernel, text) == ["vfs_read vfs_read f0=file->f_path.dentry->d_name.name:string"]


def test_a_cast_and_what_a_variable_holds(new: ScriptKernel) -> None:
    text = """probe kernel.function("vfs_read") {
        f = $file; println(kernel_string(@cast(f, "file")->f_path->dentry->d_name->name)) }"""
    (line,) = lines(new, text)
    assert "f1=" in line and line.endswith(":string")


def test_all_that_an_event_has_is_its_fields_where_its_tracepoint_cannot_be_probed(old: ScriptKernel) -> None:
    text = compiled(old, 'probe kernel.trace("sched_switch") { println($$vars) }').emitted.text
    assert """'prev_comm="%s" prev_pid=%#x next_pid=%#x' % (c_f0, """ in text


def test_text_read_as_a_number_is_its_address(either: ScriptKernel) -> None:
    (line,) = lines(
        either, 'probe kernel.function("vfs_read") { println($file->f_path->dentry->d_name->name) }'
    )
    assert line.endswith(":x64")


def test_the_name_of_the_task_is_read_at_the_probe(either: ScriptKernel) -> None:
    (line,) = lines(either, 'probe kernel.function("vfs_read") { println(execname()) }')
    assert line == "vfs_read vfs_read f0=$comm:string"


def test_two_handlers_at_a_function_have_events_of_their_own(either: ScriptKernel) -> None:
    text = (
        'probe kernel.function("vfs_read") { println($count) } probe kernel.function("vfs_read") { print(1) }'
    )
    assert [line.split()[0] for line in lines(either, text)] == ["vfs_read", "vfs_read_2"]


def test_what_was_at_the_entry_has_a_probe_there(either: ScriptKernel) -> None:
    text = 'probe kernel.function("vfs_read").return { printf("%d %d\\n", $return, $count) }'
    found = lines(either, text)
    assert found[0].startswith("r") and "f0=$retval" in found[0]
    assert found[1].startswith("vfs_read vfs_read f0=")


class WithoutCalls(BuiltKernel):
    """A kernel that was built without delete_module; its io_setup has a function, but no event."""

    def _symbols(self) -> Kallsyms:
        more = "ffffffff81000100 W __x64_sys_delete_module\nffffffff81000110 T __x64_sys_io_setup\n"
        return Kallsyms((SYMBOLS + more).encode())


def test_a_call_that_the_kernel_was_built_without_is_not_there(tmp_path: Path) -> None:
    kernel = WithoutCalls(tmp_path, NEW_README)
    built = ScriptKernel(kernel, "ktrace_1_2", KernelSymbols(lambda: SymbolTable(b""), None, print))
    assert [built.exists(AtSyscall(name)) for name in ("openat", "io_setup", "delete_module")] == [1, 1, 0]
    made = compiled(built, "probe syscall.{openat,delete_mod*} ? { println(name) }")
    assert [one.hook.site for one in made.bound] == [AtSyscall("openat")]
    with pytest.raises(NotFound, match="this kernel was built without the system call 'delete_module'"):
        compiled(built, "probe syscall.delete_module { println(argstr) }")
    (tmp_path / "tracing/events/syscalls").rename(tmp_path / "tracing/events/others")
    assert built.exists(AtSyscall("delete_module"))  # this kernel does not list its calls


def test_what_is_there(either: ScriptKernel) -> None:
    assert either.exists(AtFunction("vfs_read"))
    assert either.exists(AtFunction("do_fork"))  # by its present name
    assert either.exists(AtFunction("vfs_w*"))
    assert either.exists(AtSyscall("openat")) and either.exists(AtEvent(None, "sched_switch"))
    assert not either.exists(AtFunction("no_such_function"))
    assert not either.exists(AtFunction("no_such_*"))
    assert not either.exists(AtSyscall("nothing")) and not either.exists(AtEvent("sched", "nothing"))


def test_fields_of_an_event(either: ScriptKernel) -> None:
    reads = [Read("prev->comm", "string"), Read("next_pid"), Read("next->pid")]
    (found,) = either.find(AtEvent(None, "sched_switch"), reads)
    assert found.columns == ("prev_comm", "next_pid", "next_pid")
    assert found.point == 'kernel.trace("sched:sched_switch")'
    with pytest.raises(NotFound, match="there is no event 'sched:nothing'"):
        either.find(AtEvent("sched", "nothing"), [])


def test_an_event_without_the_field_is_probed_at_its_tracepoint(old: ScriptKernel) -> None:
    with pytest.raises(KtraceError, match="has no field 'rq->nr'"):
        old.find(AtEvent("sched", "sched_switch"), [Read("rq->nr")])


def test_text_of_an_event_that_is_read_as_a_number(either: ScriptKernel) -> None:
    with pytest.raises(UsageError, match="prev_comm is text") as caught:
        either.find(AtEvent("sched", "sched_switch"), [Read("prev_comm")])
    assert caught.value.hint == "kernel_string($prev_comm)"


def test_system_calls_and_their_variables(either: ScriptKernel) -> None:
    text = "probe syscall.openat { println(filename) } probe syscall.openat.return { println(retstr) }"
    found = lines(either, text)
    assert found[0].split()[1] == "__x64_sys_openat" and found[0].endswith(":ustring")
    assert found[1].split()[1] == "__x64_sys_openat" and "$retval" in found[1]


def test_parameters(either: ScriptKernel) -> None:
    assert list(either.parameters(AtFunction("vfs_read"))) == ["file", "buf", "count", "pos"]
    with pytest.raises(NotFound):
        either.parameters(AtFunction("no_such_function"))


def test_variables_for_lists(either: ScriptKernel) -> None:
    (found,) = either.find(AtFunction("vfs_read", at_return=True), [])
    listed = either.variables(AtFunction("vfs_read", at_return=True), found)
    assert listed[0].startswith("$return:") and "$count:size_t" in listed


def test_the_plan_has_filters_unless_they_are_not_wanted(either: ScriptKernel) -> None:
    text = 'probe kernel.function("vfs_read") { if ($count == 777) print(1) }'
    made = compiled(either, text)
    shown = "\n".join(steps(either, made, pushdown=True).to_shell("/t"))
    assert "events/ktrace_1_2/vfs_read/filter" in shown and "f0 == 777" in shown
    assert "777" not in "\n".join(steps(either, made, pushdown=False).to_shell("/t"))


def test_shapes_of_variables_come_from_their_types(new: ScriptKernel) -> None:
    site = AtFunction("vfs_read")
    count = new.shape(site, "count", ())
    assert count is not None and (count.form, count.members) == ("unsigned", ())
    buf = new.shape(site, "buf", ())
    assert buf is not None and buf.form == "text"
    file = new.shape(site, "file", ())
    assert file is not None and file.form == "pointer"
    forms = {member.name: member.form for member in file.members}
    assert forms["f_path"] == "record" and forms["f_inode"] == "pointer"
    path = new.shape(site, "file", ["f_path"])
    assert path is not None and path.form == "record"
    assert {member.name: member.form for member in path.members}["dentry"] == "pointer"
    assert new.shape(site, "file", ["no_such"]) is None
    assert new.shape(site, "nothing", ()) is None
    assert new.shape(AtFunction("no_such_function"), "x", ()) is None


def test_suffixes_of_functions(either: ScriptKernel) -> None:
    compiled(
        either, 'probe kernel.function("vfs_read").return.maxactive(5), kernel.function("vfs_read").call { }'
    )
    assert [one.probe.to_line() for one in either.wanted.values()] == [
        "r5:ktrace_1_2/vfs_read__return vfs_read",
        "p:ktrace_1_2/vfs_read vfs_read",
    ]


def test_functions_of_modules(either: ScriptKernel) -> None:
    (found,) = either.find(AtFunction("m_read", module="m"), ())
    assert found.point == 'module("m").function("m_read")'
    assert found.module == "m"
    assert either.wanted[found.key].probe.to_line().endswith(" m:m_read")


@pytest.mark.parametrize(
    ("site", "there"),
    [
        (AtFunction("vfs_read"), True),
        (AtFunction("vfs_gone"), False),
        (AtFunction("vfs_gone", at_return=True), False),
        (AtFunction("vfs_rea*"), True),
        (AtFunction("vfs_gon*"), False),
        (AtFunction("open_it", module="mod"), True),
        (AtFunction("open_it", module="other"), False),
        (AtFunction("vfs_read", module="mod"), False),
        (AtFunction("vfs_gone", place="fs/read_write.c"), False),
        (AtSyscall("openat"), True),
        (AtSyscall("gone"), False),
        (AtEvent("sched", "sched_switch"), True),
        (AtEvent("sched", "sched_gone"), False),
    ],
)
def test_a_place_is_looked_up(old: ScriptKernel, site: AtFunction, there: bool) -> None:
    assert old.exists(site) is there


def test_a_place_in_the_source_is_not_known_without_debug_info(old: ScriptKernel) -> None:
    for site in (AtFunction("f", place="a.c", lines="1", statement=True), AtFunction("f*", place="a.c")):
        with pytest.raises(Unavailable):
            old.exists(site)
    compiled(old, 'probe kernel.function("vfs_read@fs/nothing.c") {}')
    (doubt,) = old.doubts
    assert "whether 'vfs_read' is in fs/nothing.c is not known" in doubt


class Debug:
    """Debug info with the files of functions."""

    def lines_of(self, function: str) -> tuple[FunctionLines, ...]:
        files = {"vfs_read": ["fs/read_write.c"], "twice": ["a/one.c", "b/two.c"]}[function]
        return tuple(FunctionLines(function, None, file, "", 1, ()) for file in files)


def test_the_file_of_a_function_is_checked(old: ScriptKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old.kernel, "installed_debug_info", Debug)
    for place in ("read_write.c", "fs/read_write.c"):
        assert old.exists(AtFunction("vfs_read", place=place))
    for place in ("write.c", "fs/open.c"):
        assert not old.exists(AtFunction("vfs_read", place=place))
        with pytest.raises(KtraceError, match="'vfs_read' is not in") as caught:
            compiled(old, f'probe kernel.function("vfs_read@{place}") {{}}')
        assert caught.value.hint == "it is in fs/read_write.c"
    assert not old.doubts


def test_handlers_at_a_tracepoint_share_one_probe(new: ScriptKernel) -> None:
    """A second probe at a tracepoint is refused by Linux 6.12: File exists."""
    reads = "$preempt", "$prev"
    points = (f'probe kernel.trace("sched_switch") {{ println({read}) }}' for read in (*reads, "$preempt"))
    text = "".join(points)
    made = compiled(new, text)
    (one,) = new.wanted.values()
    assert [arg.name for arg in one.probe.args] == ["f0", "f1"]
    found = [event for bound in made.bound for event in bound.found]
    assert [event.columns for event in found] == [("f0",), ("f1",), ("f0",)]
    assert {event.event for event in found} == {one.probe.name} and len({event.key for event in found}) == 1
    shown = [line for line in steps(new, made, pushdown=True).to_shell("/t") if "dynamic_events" in line]
    assert len(shown) == 1


def test_text_of_the_entry_is_cut_and_quoted_once_by_the_return(either: ScriptKernel) -> None:
    text = (
        'probe kernel.function("vfs_read").return { n = $return; println(user_string_n($buf, $return),'
        " user_string_n($buf, n), user_string_quoted(@entry($buf)), @entry(user_string_quoted($buf))) }"
    )
    entry, _, handler = compiled(either, text).emitted.text.partition("def p_0(")
    assert "append((c_f0, c_f0, c_f0, b_text_strn(c_f0, 0, 1),))" in entry
    shown = (
        "c_e0[: t1 if (t1 := c_f0)",
        "c_e1[: t2 if (t2 := v_n)",
        "b_text_strn(c_e2, 0, 1)",
        "shown(c_e3)",
    )
    assert all(one in handler for one in shown)


def test_variables_of_the_kernel(old: ScriptKernel) -> None:
    text = """probe kernel.function("vfs_read") {
        println(@var("nr_files"), @var("files")[1]->f_pos, @var("first_file")->f_pos)
        println(@var("first_file")->f_path$) }"""
    (line,) = lines(old, text)
    assert line.startswith(
        "vfs_read vfs_read f0=@nr_files:u32 f1=+0x8(@files+8):s64 f2=@first_file+8:s64 f3=@first_file+64:"
    )
    assert not old.doubts


def test_a_variable_whose_size_is_not_known(old: ScriptKernel) -> None:
    (line,) = lines(old, 'probe kernel.function("vfs_read") { println(@var("x")) }')
    assert line == "vfs_read vfs_read f0=@x"
    assert list(old.doubts) == [
        """the size of 'x' is not known, and 8 bytes are read: kernel_int(&@var("x")) reads 4"""
    ]
