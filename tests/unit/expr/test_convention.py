import pytest

from ktrace.expr.convention import InMemory, InRegisters, Location, Unreachable, locate
from ktrace.model.ctype import CType, Float, Forward, FuncProto, Int, Param, Pointer, Record, Void

WORD = Pointer(Void())
INT = Int("int", 4, True)
WIDE = Int("__int128", 16, True)
EMPTY = Record("struct", "empty", 0, 1)
ONE = Record("struct", "one", 8, 1)
TWO = Record("struct", "two", 12, 2)
THREE = Record("struct", "three", 20, 3)


def places(machine: str, *types: CType, returns: CType = INT) -> tuple[Location, ...]:
    return locate(FuncProto(returns, tuple(Param("", ctype) for ctype in types)), machine)


def last(machine: str, words: int, *types: CType) -> tuple[Location, ...]:
    """Return the locations of `types`, each with that many levels of pointers."""
    return places(machine, *[WORD] * words, *types)[words:]


@pytest.mark.parametrize(
    ("machine", "words", "types", "expected"),
    [
        # x86-64: what does not fit goes to the stack, later arguments may still fit
        ("x86_64", 0, [INT, WORD], [InRegisters(("%di",), 0), InRegisters(("%si",), 1)]),
        ("x86_64", 5, [TWO, INT], [InMemory("$stack", 8), InRegisters(("%r9",), 5)]),
        ("x86_64", 4, [TWO, INT], [InRegisters(("%r8", "%r9"), 4), InRegisters(("$stack1",), 6)]),
        ("x86_64", 0, [THREE, INT], [InMemory("$stack", 8), InRegisters(("%di",), 0)]),
        ("x86_64", 6, [THREE, INT], [InMemory("$stack", 8), InRegisters(("$stack4",), 9)]),
        ("x86_64", 6, [INT, WIDE], [InRegisters(("$stack1",), 6), InMemory("$stack", 24)]),
        ("x86_64", 0, [WIDE, INT], [InRegisters(("%di", "%si"), 0), InRegisters(("%dx",), 2)]),
        ("x86_64", 6, [ONE], [InRegisters(("$stack1",), 6)]),
        # arm64: once on the stack, always on the stack; 128 bits begin at an even register
        ("aarch64", 7, [TWO, INT], [InMemory("$stack", 0), InRegisters(("$stack2",), None)]),
        ("aarch64", 1, [WIDE, INT], [InRegisters(("%x2", "%x3"), 2), InRegisters(("%x4",), 4)]),
        ("aarch64", 1, [TWO], [InRegisters(("%x1", "%x2"), 1)]),
        ("aarch64", 1, [THREE, INT], [InMemory("%x1", 0, 1), InRegisters(("%x2",), 2)]),
        ("aarch64", 8, [THREE, INT], [InMemory("$stack0", 0), InRegisters(("$stack1",), None)]),
        ("aarch64", 9, [WIDE], [InMemory("$stack", 16)]),
        # riscv: two words may be split
        ("riscv64", 7, [TWO, INT], [InRegisters(("%a7", "$stack0"), 7), InRegisters(("$stack1",), None)]),
        ("riscv64", 8, [TWO], [InMemory("$stack", 0)]),
        ("riscv64", 1, [WIDE], [InRegisters(("%a1", "%a2"), 1)]),
        ("riscv64", 0, [THREE], [InMemory("%a0", 0, 0)]),
    ],
)
def test_locations(machine: str, words: int, types: list[CType], expected: list[Location]) -> None:
    assert list(last(machine, words, *types)) == expected


@pytest.mark.parametrize(("machine", "first"), [("x86_64", "%si"), ("riscv64", "%a1"), ("aarch64", "%x0")])
def test_a_large_result_takes_a_register(machine: str, first: str) -> None:
    (found,) = places(machine, INT, returns=THREE)
    assert isinstance(found, InRegisters)
    assert found.names == (first,)


def test_what_has_no_location() -> None:
    for ctype in (Float("double", 8), Forward("struct", "x"), Void()):
        assert isinstance(places("x86_64", ctype)[0], Unreachable)
    assert places("x86_64", EMPTY, INT)[1] == InRegisters(("%di",), 0)
    assert isinstance(places("x86_64", EMPTY)[0], Unreachable)
    assert isinstance(places("sparc64", INT)[0], Unreachable)
