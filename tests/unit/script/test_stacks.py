"""Stacks and symbols of addresses, in handlers."""

from ktrace.model.batch import Chunk, Stack
from ktrace.script.runtime.state import KernelSymbol
from tests.unit.script.scripts import FakeKernel, events, start


def stack(
    seq: int, *, tid: int = 7, user: bool, ips: tuple[int, ...] = (), frames: tuple[str, ...] = ()
) -> Stack:
    return Stack(seq, 0, 0, tid, "cat", user, frames, ips=ips)


def kernel_symbols(address: int) -> KernelSymbol | None:
    known = {
        0xA1: KernelSymbol("a", 1, 0x20, None),
        0xB2: KernelSymbol("b", 2, 0x30, "m"),
        0xC3: KernelSymbol("c", 0, 0x40, None),
    }
    return known.get(address)


def symbols(pid: int, address: int) -> tuple[str, str] | None:
    known = {0x401136: ("main+0x10/0x40", "/bin/x+0x1136"), 0x7F00: ("", "/lib/y+0x500")}
    return known.get(address) if pid == 70 else None


def test_the_stack_of_a_record_is_the_next_one_of_its_task() -> None:
    ran = start(
        'probe kernel.function("f") { printf("%d %s|%s\\n", tid(), backtrace(), ubacktrace()) }',
        FakeKernel(["f"]),
    )
    batch = events("f", {}, tid=[7])
    later = events("f", {}, tid=[8], first=4)
    marks = (
        stack(1, user=False, frames=("a", "b"), ips=(0xA1, 0xB2)),
        stack(2, user=True, ips=(0x401136, 0x7F00)),
        stack(3, user=True, ips=(1,)),
        stack(5, user=True, tid=8, ips=(2,)),
    )
    ran.drive.feed(Chunk((batch, later), marks))
    assert ran.text == "7 0xa1 0xb2|0x401136 0x7f00\n8 |0x2\n"


def test_addresses_of_processes_have_names_as_far_as_they_are_known() -> None:
    ran = start(
        'probe kernel.function("f") { print_ubacktrace() print_ubacktrace_brief() '
        "print_usyms(ubacktrace()) "
        'printf("%s %s %s\\n", usymname(0x401136), usymdata(5), umodname(0x7f00)) }',
        FakeKernel(["f"]),
    )
    ran.drive.state.user_symbol = symbols
    ran.drive.feed(Chunk((events("f", {}),), (stack(1, user=True, ips=(0x401136, 0x7F00, 5)),)))
    lines = " 0x401136 : main+0x10/0x40 [/bin/x]\n 0x7f00 [/lib/y+0x500]\n 0x5\n"
    assert ran.text == lines + " main+0x10\n /lib/y+0x500\n 0x5\n" + lines + "main 0x5 /lib/y\n"


def test_what_the_probe_itself_has_on_the_stack_is_left_out() -> None:
    ran = start(
        'probe kernel.function("f") { '
        'printf("%s|%s|%s|%x %d\\n", caller(), callers(-1), backtrace(), stack(0), stack(9)) '
        "print_backtrace() print_stack(callers(1)) }",
        FakeKernel(["f"]),
    )
    ran.drive.state.symbol = kernel_symbols
    frames = ("kprobe_dispatcher", "kprobe_ftrace_handler", "0xffffffffc03e70c8", "a", "b", "0xd4")
    ips = (1, 2, 0xFFFFFFFFC03E70C8, 0xA1, 0xB2, 0xD4)
    ran.drive.feed(Chunk((events("f", {}),), (stack(1, user=False, frames=frames, ips=ips),)))
    lines = " 0xa1 : a+0x1/0x20 [kernel]\n 0xb2 : b+0x2/0x30 [m]\n 0xd4\n"
    assert ran.text == "b 0xb2|0xb2 0xd4|0xa1 0xb2 0xd4|a1 0\n" + lines + " 0xb2 : b+0x2/0x30 [m]\n"


def test_an_address_of_the_kernel_has_a_name_where_no_stack_is_taken() -> None:
    ran = start(
        'probe timer.s(1) { printf("%s %s %s %s %s %s\\n", symname(0xa1), symdata(0xb2), modname(0xa1), '
        "modname(0xb2), symname(0xd4), symdata(-1)) "
        'printf("%s %s %s %s\\n", symfile(0xc3), symline(0xc3), symfileline(0xc3), symfileline(0xb2)) }'
    )
    ran.drive.state.symbol = kernel_symbols
    ran.drive.state.source_line = lambda symbol: ("fs/c.c", 12) if symbol.name == "c" else None
    ran.drive.advance(2_500_000_000)
    assert ran.text.splitlines()[:2] == [
        "a b+0x2/0x30 [m] kernel m 0xd4 0xffffffffffffffff",
        "fs/c.c 12 fs/c.c:12 0xb2",
    ]


def test_the_source_of_programs_is_not_known_and_that_is_told_once() -> None:
    ran = start('probe timer.s(1) { printf("%s %s|", usymfileline(0x10), usymline(0x11)) }')
    ran.drive.advance(2_500_000_000)
    assert ran.text.startswith("0x10 0x11|")
    assert ran.told == ["WARNING: places in the source of programs are not known: they are addresses"]
