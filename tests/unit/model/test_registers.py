import pytest

from ktrace.model.fetch import FetchArg
from ktrace.model.names import check_arg
from ktrace.model.registers import CONVENTIONS, dump_args


def test_at_entry_and_at_return():
    args = dump_args("x86_64")
    assert args[:9] == tuple(
        FetchArg(f"%{name}", name, "x64")
        for name in ("ip", "flags", "sp", "di", "si", "dx", "cx", "r8", "r9")
    )
    assert {arg.name for arg in args} >= {"ax", "bx", "bp", "r10", "r15", "orig_ax", "cs", "ss"}
    at_return = dump_args("x86_64", at_return=True)
    assert [arg.name for arg in at_return[:4]] == ["ip", "flags", "sp", "ax"]


@pytest.mark.parametrize("machine", CONVENTIONS)
@pytest.mark.parametrize("at_return", [False, True])
def test_every_machine_dumps_under_names_that_the_kernel_takes(machine, at_return):
    args = dump_args(machine, at_return=at_return)
    names = [check_arg(arg.name) for arg in args]
    assert len(set(names)) == len(names) >= 21
    assert all(arg.expr == f"%{arg.name}" for arg in args)


def test_conventions():
    assert CONVENTIONS["aarch64"].args == ("x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7")
    assert CONVENTIONS["aarch64"].retval == "x0"
    assert CONVENTIONS["riscv64"].args == ("a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7")


def test_an_unknown_machine_has_none():
    assert dump_args("m68k") == ()
