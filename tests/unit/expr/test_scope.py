"""The place of a probe, and the names in scope there; offsets are those of `kernel.py`."""

import pytest

from ktrace.errors import UsageError
from ktrace.expr.arguments import to_registers
from ktrace.expr.source import Site
from ktrace.model.miss import Miss
from tests.unit.expr.kernel import NEW, NO_BTF, kernel, new, old, wrong


def test_without_types_positions_and_c_types_still_work() -> None:
    site = Site("vfs_read")
    for text, expected in [
        ("$arg1", "arg1=$arg1"),
        ("$arg2:string", "arg2=+0($arg2):string"),
        ("*(int *)$arg4", "arg4=+0($arg4):s32"),
        ("(u32)$arg3", "arg3=$arg3:u32"),
    ]:
        assert to_registers(text, site, NO_BTF).arg.to_text() == expected
    returning = Site("vfs_read", "return")
    assert to_registers("$retval", returning, NO_BTF).arg.to_text() == "ret=$retval"
    with pytest.raises(UsageError):
        to_registers("$arg1", returning, NO_BTF)


# Where the probe sits.


def test_return_values() -> None:
    assert old("$retval", where="return") == "ret=$retval:s64"
    assert old("$retval->f_pos", "open_it", where="return") == "f_pos=+0x8($retval):s64"
    assert new("$retval->f_pos", "open_it", where="return") == "f_pos=$retval->f_pos:s64"
    assert new("$retval:path", "lookup", where="return") == "ret=$retval:%pd"
    assert old("$retval.pte", "gives_pte", where="return") == "pte=$retval:u64"
    assert "returns nothing" in wrong("$retval", "nothing", where="return").message
    assert "no return value yet" in wrong("$retval").message
    assert "does not fit" in wrong("$retval.x", "gives_three", where="return").message
    assert "did you mean $retval?" in (wrong("retval", where="return", features=NEW).hint or "")


def test_why_the_type_of_a_return_value_is_not_known() -> None:
    error = wrong("$retval->f_pos", "vfs_rea", where="return")
    assert error.message == (
        "the type of 'ret' is not known: BTF describes no function 'vfs_rea', so its parameters are not known"
    )
    assert "--force" not in (error.hint or "")
    assert error.caret == len("$retval")


def test_parameters_at_the_return() -> None:
    assert "6.9" in wrong("file->f_pos", where="return").message
    assert new("file->f_pos", where="return") == "f_pos=file->f_pos:s64"
    assert old("*pos", where="return", features=NEW) == "pos=+0($arg4):s64"


def test_inside_a_function_parameters_are_gone() -> None:
    for text in ("file", "$arg1"):
        assert "only when the function is entered" in wrong(text, where="inside").message


def test_an_address_has_no_parameters() -> None:
    with pytest.raises(UsageError, match="no parameters by name"):
        to_registers("file", Site(None), kernel())


def test_where_registers_cannot_be_read() -> None:
    assert old("*pos", registers=False) == "pos=+0($arg4):s64"
    assert old("a7->f_pos", "many", registers=False) == "f_pos=+0x8($arg7):s64"
    assert "on the stack" in wrong("a9", "many", registers=False, machine="aarch64").message


def test_tracepoints() -> None:
    site = {"tracepoint": True, "registers": False}
    assert old("prev->f_pos", "sched_switch", **site) == "f_pos=+0x8($arg2):s64"
    assert new("prev->f_pos", "sched_switch", **site) == "f_pos=prev->f_pos:s64"
    assert old("preempt", "sched_switch", **site) == "preempt=$arg1:u8"
    assert old("$arg1->f_pos", "old_one", **site) == "f_pos=+0x8($arg1):s64"
    assert "no tracepoint 'sched'" in wrong("prev", "sched", **site).message


def test_one_of_several_functions() -> None:
    assert old("a", "twice", nth=1) == "a=%di:s32"
    assert old("b", "twice", nth=2) == "b=%di:s64"
    assert new("a", "twice", nth=1) == "a=a:s32"
    assert isinstance(new("b", "twice", nth=2), Miss)


def test_a_compilers_variant_by_force() -> None:
    assert old("file", "vfs_read.isra.0", force=True) == "file=%di:x64"
    assert isinstance(new("file", "vfs_read.isra.0", force=True), Miss)


# Calling conventions.


@pytest.mark.parametrize(
    ("machine", "text", "expected"),
    [
        ("x86_64", "pte.pte", "pte=%di:u64"),
        ("x86_64", "t.first", "first=%si:u64"),
        ("x86_64", "t.a", "a=%dx:s32"),
        ("x86_64", "t.b", "b=%dx:b32@32/64"),
        ("x86_64", "file->f_pos", "f_pos=+0x8(%cx):s64"),
        ("x86_64", "h.x", "x=+0x8($stack):s64"),
        ("x86_64", "h.file->f_pos", "f_pos=+0x8(+0x10($stack)):s64"),
        ("x86_64", "last", "last=%r8:s32"),
        ("aarch64", "t.a", "a=%x2:s32"),
        ("aarch64", "file", "file=%x3:x64"),
        ("aarch64", "h.file->f_pos", "f_pos=+0x8(+0x8(%x4)):s64"),
        ("aarch64", "last", "last=%x5:s32"),
        ("riscv64", "h.z", "z=+0x10(%a4):s64"),
        ("riscv64", "t.first", "first=%a1:u64"),
    ],
)
def test_structs_by_value(machine: str, text: str, expected: str) -> None:
    assert old(text, "by_value", machine=machine) == expected
    # The kernel counts words: from the first struct of two words on its names mean something else.
    # ("last" is the fifth word again: three words of `h` are on the stack.)
    named = new(text, "by_value", machine=machine)
    assert named == "last=last:s32" if (machine, text) == ("x86_64", "last") else isinstance(named, Miss)


def test_structs_by_value_cannot_be_read_whole() -> None:
    assert ".first (long unsigned int)" in (wrong("t", "by_value").hint or "")
    assert "write ." in wrong("t->a", "by_value").message
    assert "has no address" in wrong("&t", "by_value").message


@pytest.mark.parametrize(
    ("machine", "text", "expected"),
    [
        ("x86_64", "a6", "a6=%r9:x64"),
        ("x86_64", "a7", "a7=$stack1:x64"),
        ("x86_64", "a9->f_pos", "f_pos=+0x8($stack3):s64"),
        ("aarch64", "a8", "a8=%x7:x64"),
        ("aarch64", "a9", "a9=$stack0:x64"),
        ("riscv64", "a9", "a9=$stack0:x64"),
    ],
)
def test_more_parameters_than_registers(machine: str, text: str, expected: str) -> None:
    assert old(text, "many", machine=machine) == expected


def test_a_hidden_parameter_for_a_large_result() -> None:
    assert old("file", "gives_three") == "file=%si:x64"
    assert old("file", "gives_three", machine="aarch64") == "file=%x0:x64"
    assert isinstance(new("file", "gives_three"), Miss)


def test_what_no_register_holds() -> None:
    assert "floating point" in wrong("d", "bits").message
    assert old("file", "bits") == "file=%dx:x64"
    assert "not known" in wrong("file", machine="vax").message
