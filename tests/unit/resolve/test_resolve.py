"""Turn words into probes: the look-ups, their causes, and the results."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ktrace.errors import KtraceError, NotFound, Unavailable, UsageError
from ktrace.kernel.renamed import present_name
from ktrace.model.meaning import Meaning
from ktrace.model.place import AddressPlace
from ktrace.resolve.finder import Finder
from ktrace.resolve.parse import split_definitions
from ktrace.resolve.resolve import want
from ktrace.resolve.spec import ProbeOptions, ProbeSpec, different_names, relocator
from tests.unit.session.places import NEW_README, OLD_README, BuiltKernel

HERE = ProbeOptions(machine="x86_64")


@pytest.fixture
def old(tmp_path: Path) -> BuiltKernel:
    return BuiltKernel(tmp_path / "old", OLD_README)


@pytest.fixture
def new(tmp_path: Path) -> BuiltKernel:
    return BuiltKernel(tmp_path / "new", NEW_README)


def lines(kernel: BuiltKernel, text: str, **options: object) -> list[str]:
    return [w.probe.to_line() for w in made(kernel, text, **options)]


def made(kernel: BuiltKernel, text: str, **options: object) -> list[ProbeSpec]:
    (words,) = split_definitions([text])
    return want(words, replace(HERE, **options), kernel)


def refused(kernel: BuiltKernel, text: str, error: type[KtraceError], /, **options: object) -> KtraceError:
    with pytest.raises(error) as caught:
        made(kernel, text, **options)
    return caught.value


@pytest.mark.parametrize(
    "text",
    ["vfs_read", "vfs_read n=%dx:u64 +8(%sp) $stack2 $comm @jiffies \\5", "vfs_read $arg1:s32 $arg*",
     "vfs_read%return ret=$retval:s64", "vfs_read $retval", "ext4:open+0x10", "0xffffffff81000010 %di"],
)  # fmt: skip
def test_the_kernels_own_words_are_looked_up_nowhere(new: BuiltKernel, text: str) -> None:
    assert len(made(new, text)) == 1
    assert new.read == []


def test_c_by_names_where_the_kernel_knows_them_and_by_registers_elsewhere(
    old: BuiltKernel, new: BuiltKernel
) -> None:
    text = "vfs_read count file->f_path.dentry->d_name.name"
    assert lines(new, text) == [
        "p:kprobes/vfs_read vfs_read count=count:u64 name=file->f_path.dentry->d_name.name:string"
    ]
    assert lines(old, text) == ["p:kprobes/vfs_read vfs_read count=%dx:u64 name=+0(+0x28(+0x48(%di))):string"]
    assert "symbols" not in new.read + old.read


def test_a_cast_with_blanks_is_one_word(old: BuiltKernel) -> None:
    assert lines(old, "vfs_read ((struct inode *)file)->i_ino n=%dx") == [
        "p:kprobes/vfs_read vfs_read i_ino=+0x8(%di):u64 n=%dx"
    ]


def test_values_with_names(old: BuiltKernel) -> None:
    (one,) = made(old, "vfs_read file->f_mode file->f_ok file->f_pos file->f_mode:x32")
    assert one.names == {
        "f_mode": {0: "READ", 1: "WRITE", 2: "BOTH"},
        "f_ok": {0: "false", 1: "true"},
    }


@pytest.mark.parametrize(
    ("text", "regs"),
    [("vfs_read", True), ("vfs_read count", True), ("vfs_read %ip", False), ("p vfs_read %ip", False)],
)
def test_the_text_of_ip_is_the_probes_address(old: BuiltKernel, text: str, regs: bool) -> None:
    (one,) = made(old, text, regs=regs, machine="x86_64")
    assert one.names == {"ip": Meaning("after breakpoint")}


def test_the_return(old: BuiltKernel, new: BuiltKernel) -> None:
    assert lines(old, "vfs_read%return $retval") == ["r:kprobes/vfs_read__return vfs_read ret=$retval:s64"]
    assert lines(new, "vfs_read $retval count", at_return=True) == [
        "r:kprobes/vfs_read__return vfs_read ret=$retval:s64 count=count:u64"
    ]
    assert "until the return" in refused(old, "vfs_read%return count", UsageError).message


def test_registers_come_first(old: BuiltKernel) -> None:
    (line,) = lines(old, "vfs_read count", regs=True)
    assert line.split()[2] == "ip=%ip:x64" and line.endswith("count=%dx:u64")


class TestFunctionsByOtherNames:
    def test_renamed(self, new: BuiltKernel) -> None:
        (one,) = made(new, "do_fork $arg1")
        assert one.probe.to_line() == "p:kprobes/do_fork kernel_clone arg1=$arg1"
        assert one.requested == "do_fork" and "do_fork is kernel_clone" in one.notes[0]

    def test_system_call(self, old: BuiltKernel) -> None:
        (one,) = made(old, "openat filename:ustring flags $comm")
        assert one.probe.to_line() == (
            "p:kprobes/openat __x64_sys_openat filename=+0(+0x68(%di)):ustring flags=+0x60(%di):s32 "
            "comm=$comm"
        )
        assert one.requested == "openat"
        assert "no parameter 'flag'" in refused(old, "openat flag", UsageError).message

    def test_system_call_by_number_and_all(self, old: BuiltKernel) -> None:
        assert lines(old, "openat n=$arg2 $args") == [
            "p:kprobes/openat __x64_sys_openat n=+0(+0x68(%di)):ustring dfd=+0x70(%di):s32 "
            "filename=+0(+0x68(%di)):ustring flags=+0x60(%di):s32"
        ]
        assert "3 parameters" in refused(old, "openat $arg4", UsageError).message

    def test_typed_by_number(self, old: BuiltKernel) -> None:
        """ktrace looks for a system call only when the kernel knows no such function."""
        (one,) = made(old, "openat $arg1:s32 n=$arg3:x32 %si")
        assert one.probe.to_line() == "p:kprobes/openat openat arg1=$arg1:s32 n=$arg3:x32 si=%si"
        assert old.read == []
        moved = relocator([one])(one.probe, "__x64_sys_openat")
        assert moved.to_line() == (
            "p:kprobes/openat __x64_sys_openat dfd=+0x70(%di):s32 n=+0x60(%di):x32 si=%si"
        )
        assert (
            relocator([one])(one.probe, "vfs_open")
            .to_line()
            .endswith("vfs_open arg1=$arg1:s32 n=$arg3:x32 si=%si")
        )
        assert lines(old, "__x64_sys_openat $arg1:s32") == [
            "p:kprobes/__x64_sys_openat __x64_sys_openat dfd=+0x70(%di):s32"
        ]

    def test_what_a_system_call_points_to(self, old: BuiltKernel, new: BuiltKernel) -> None:
        """A system call's pointer is to the process's memory, and so are all pointers reached from it."""
        assert lines(old, "openat2 how->f_pos how->f_inode->i_ino ((struct inode *)extra)->i_ino dfd") == [
            "p:kprobes/openat2 __x64_sys_openat2 f_pos=+u0x8(+0x60(%di)):s64 "
            "i_ino=+u0x8(+u0x28(+0x60(%di))):u64 i_ino_2=+u0x8(+0x38(%di)):u64 dfd=+0x70(%di):s32"
        ]
        assert lines(new, "openat2 how->f_pos", kind="fprobe") == [
            "f:fprobes/openat2 __x64_sys_openat2 f_pos=+u0x8(+0x60($arg1)):s64"
        ]
        error = refused(old, "openat2 how->f_pso", UsageError)
        assert "has no member 'f_pso'" in error.message and "did you mean f_pos" in (error.hint or "")
        assert (
            "no variable 'hwo' at this place in openat2" in refused(old, "openat2 hwo->x", UsageError).message
        )
        assert "at its entry only" in refused(new, "openat2%return how->f_pos", UsageError).message

    def test_system_call_at_its_return(self, old: BuiltKernel, new: BuiltKernel) -> None:
        assert lines(old, "openat%return $retval")[0].endswith(" ret=$retval:s64")
        assert "until the return" in refused(old, "openat%return flags", UsageError).message
        assert lines(new, "openat%return flags")[0].endswith(" flags=+0x60($arg1):s32")

    def test_changed_by_the_compiler(self, old: BuiltKernel) -> None:
        (one,) = made(old, "lookup path->dentry")
        move = relocator([one])
        with pytest.raises(UsageError, match="may have been dropped"):
            move(one.probe, "lookup.isra.0")
        (one,) = made(old, "lookup path->dentry", force=True)
        assert relocator([one])(one.probe, "lookup.isra.0").to_line() == (
            "p:kprobes/lookup lookup.isra.0 dentry=+0x8(%di):x64"
        )

    def test_unknown(self, old: BuiltKernel) -> None:
        error = refused(old, "vfs_raed count", NotFound)
        assert error.caret == 0 and "vfs_read" in (error.hint or "")

    def test_in_a_module(self, new: BuiltKernel) -> None:
        """Arguments are read from registers: the kernel knows no parameters of `MODULE:NAME`."""
        assert lines(new, "mod:open_it mode")[0].startswith("p:kprobes/open_it mod:open_it mode=%")
        assert lines(new, "mod:open_it mode", kind="fprobe") == ["f:fprobes/open_it open_it mode=mode:u32"]


class TestSeveral:
    def test_by_number(self, new: BuiltKernel) -> None:
        assert lines(new, "twice", nth=2) == ["p:kprobes/twice 0xffffffff81000050"]
        assert "there are 2 functions" in refused(new, "twice", UsageError, nth=3).message

    def test_all(self, new: BuiltKernel) -> None:
        assert lines(new, "twice $retval", every=True, at_return=True, force=True)[0].startswith(
            "r:kprobes/twice__return 0xffffffff81000040 ret=%ax"
        )
        names = [w.probe.name for w in made(new, "twice", every=True)]
        assert names == ["twice", "twice_2"]

    def test_which_declaration_is_whose_is_not_guessed(self, new: BuiltKernel) -> None:
        error = refused(new, "twice a", UsageError, nth=1)
        assert "2 functions twice with different parameters" in error.message

    def test_names_differ_and_stay_short(self, new: BuiltKernel) -> None:
        (one,) = made(new, "vfs_read")
        long = replace(one, probe=replace(one.probe, name="x" * 63))
        first, second = different_names([long, long])
        assert first.probe.name == "x" * 63 and second.probe.name == "x" * 61 + "_2"


class TestWildcards:
    def test_what_can_be_probed(self, new: BuiltKernel) -> None:
        wanted = made(new, "vfs_*")
        assert [w.probe.place.to_text() for w in wanted] == ["vfs_read", "vfs_write"]
        assert all(w.one_of_many for w in wanted)
        (note,) = wanted[0].notes
        assert "matches 4 functions: 2 are probed" in note
        assert "1 on the kprobe blacklist" in note and "1 not patched by ftrace" in note

    def test_without_the_argument(self, new: BuiltKernel) -> None:
        wanted = made(new, "vfs_* count")
        assert [w.probe.place.to_text() for w in wanted] == ["vfs_read"]
        assert "1 without such arguments" in wanted[0].notes[0]
        assert "no parameter 'nope'" in refused(new, "vfs_read* nope", UsageError).message

    def test_too_many(self, new: BuiltKernel) -> None:
        assert "matches 2 functions" in refused(new, "vfs_*", UsageError, max_probes=1).message
        assert len(made(new, "vfs_*", max_probes=2)) == 2

    def test_twins_only_with_all(self, new: BuiltKernel) -> None:
        assert "several functions of one name" in refused(new, "twic*", NotFound).message
        assert len(made(new, "twic*", every=True)) == 2

    def test_of_a_module(self, new: BuiltKernel) -> None:
        assert lines(new, "mod:*") == ["p:kprobes/open_it mod:open_it"]
        assert lines(new, "open_*%return") == ["r:kprobes/open_it__return mod:open_it"]

    def test_nothing(self, new: BuiltKernel) -> None:
        assert "no function matches" in refused(new, "zzz*", NotFound).message


class TestKinds:
    def test_fprobe(self, new: BuiltKernel) -> None:
        assert lines(new, "vfs_read count", kind="fprobe") == ["f:fprobes/vfs_read vfs_read count=count:u64"]
        assert lines(new, "vfs_read%return $retval", kind="fprobe", group="mine") == [
            "f:mine/vfs_read__return vfs_read%return ret=$retval:s64"
        ]

    @pytest.mark.parametrize("text", ["vfs_read+4", "vfs_read %di"])
    def test_fprobe_has_no_registers(self, new: BuiltKernel, text: str) -> None:
        assert "has no registers" in refused(new, text, UsageError, kind="fprobe").message

    def test_no_fprobes(self, old: BuiltKernel) -> None:
        assert "no fprobe events" in refused(old, "vfs_read", Unavailable, kind="fprobe").message

    @pytest.mark.parametrize(
        ("text", "kind"),
        [("vfs_read", "f"), ("vfs_read count", "f"), ("vfs_read%return", "f"), ("vfs_read+4", "p"),
         ("vfs_read %di", "p"), ("vfs_hidden", "p"), ("twice", "p"), ("mod:open_it", "p")],
    )  # fmt: skip
    def test_auto(self, new: BuiltKernel, old: BuiltKernel, text: str, kind: str) -> None:
        assert made(new, text, kind="auto")[0].probe.kind == kind
        assert made(old, text, kind="auto")[0].probe.kind in "pr"


class TestTracepoints:
    def test_arguments(self, new: BuiltKernel) -> None:
        assert lines(new, "tracepoint:sched_switch prev->f_pos preempt") == [
            "t:tracepoints/sched_switch sched_switch f_pos=prev->f_pos:s64 preempt=preempt:u8"
        ]
        assert made(new, "tracepoint:sched:sched_switch")[0].probe.name == "sched_switch"

    def test_what_they_do_not_have(self, new: BuiltKernel) -> None:
        assert "does not return" in refused(new, "tracepoint:sched_switch%return", UsageError).message
        assert "no registers" in refused(new, "tracepoint:sched_switch %di", UsageError).message
        assert "sched_switch" in (refused(new, "tracepoint:sched_swich", NotFound).hint or "")
        refused(new, "tracepoint:sys_enter_openat", NotFound)

    def test_none_here(self, old: BuiltKernel) -> None:
        error = refused(old, "tracepoint:sched_switch", Unavailable)
        assert "ktrace trace sched:sched_switch" in (error.hint or "")


def test_without_types(tmp_path: Path) -> None:
    kernel = BuiltKernel(tmp_path, OLD_README, btf=False)
    error = refused(kernel, "vfs_read count", Unavailable)
    assert error.excerpt == "count" and error.caret == 0
    assert lines(kernel, "vfs_read%return $retval")[0].endswith(" ret=$retval")


def test_moved_probes_keep_the_name_they_were_given(new: BuiltKernel) -> None:
    one, two = different_names([*made(new, "vfs_read count"), *made(new, "vfs_read count")])
    move: Callable = relocator([one, two])
    assert move(two.probe, "vfs_read").name == "vfs_read_2"


def test_members_of_a_kernel_word_need_types(old: BuiltKernel) -> None:
    assert lines(old, "vfs_read $arg1->f_pos") == ["p:kprobes/vfs_read vfs_read f_pos=+0x8(%di):s64"]


def test_a_parenthesis_that_is_left_open_keeps_no_words_together() -> None:
    assert split_definitions(["vfs_read a=+0(%di b=%si"]) == [["vfs_read", "a=+0(%di", "b=%si"]]


def test_an_fprobe_of_a_module_is_called_by_the_bare_name(new: BuiltKernel) -> None:
    assert lines(new, "mod:open_it", kind="fprobe") == ["f:fprobes/open_it open_it"]


def test_by_address_the_kernel_knows_no_names(new: BuiltKernel) -> None:
    symbols = new.symbols.find("vfs_read")
    found = Finder(("count",), False, HERE, new).at_address(AddressPlace(symbols[0].address), symbols[0])
    assert found.probe.to_line() == "p:kprobes/vfs_read 0xffffffff81000010 count=%dx:u64"


def test_the_whole_function_goes_before_a_part_of_it(new: BuiltKernel) -> None:
    assert present_name("lookup", new.symbols, "x86_64") == "lookup.isra.0"
