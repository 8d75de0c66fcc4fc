"""Variables that debug info describes: each kind of place, as a probe reads it."""

import pytest

from ktrace.errors import UsageError
from ktrace.expr.arguments import resolve
from ktrace.expr.source import Site
from ktrace.model.ctype import Array, CType, Int, Pointer, Record
from ktrace.model.debuginfo import Absent, AtSymbol, Constant, InMemory, InRegister, Location, Variable
from ktrace.model.features import Features
from ktrace.symbols.btf import Btf
from tests.unit.expr.kernel import kernel

INT = Int("int", 4, True)
CHAR = Int("char", 1, True, "char")


def variable(name: str, kind: CType | None, location: Location, *, parameter: bool = False) -> Variable:
    return Variable(name, kind, location, None, parameter, "f", 1)


@pytest.fixture
def types() -> Btf:
    return kernel()


@pytest.fixture
def site(types: Btf) -> Site:
    file, inode = types.record("struct", "file"), types.record("struct", "inode")
    assert isinstance(file, Record) and isinstance(inode, Record)
    found = (
        variable("file", Pointer(file), InRegister("r13"), parameter=True),
        variable("gone", INT, Absent("optimized out"), parameter=True),
        variable("n", INT, InMemory("sp", (-8,))),
        variable("far", Pointer(file), InMemory("bp", (16, 8))),
        variable("inode", inode, InMemory("sp", (32,))),
        variable("table", Array(INT, 4), AtSymbol("table", 0)),
        variable("root", inode, AtSymbol("root.1", 4)),
        variable("where", Pointer(file), AtSymbol("where", 0)),
        variable("text", Array(CHAR, 8), AtSymbol("text", 0)),
        variable("five", INT, Constant(5)),
        variable("n", INT, InRegister("ax")),  # of an outer scope: hidden by the other
        variable("odd", None, InRegister("bx")),
    )
    return Site("f", "inside", features=Features(), variables=found)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("file", "file=%r13:x64"),
        ("file->f_pos", "f_pos=+0x8(%r13):s64"),
        ("n", "n=-0x8(%sp):s32"),
        ("far", "far=+0x8(+0x10(%bp)):x64"),
        ("far->f_pos", "f_pos=+0x8(+0x8(+0x10(%bp))):s64"),
        ("inode.i_ino", "i_ino=+0x28(%sp):u64"),
        ("table[2]", "table_2=@table+8:s32"),
        ("table", "table=@table:s32[4]"),
        ("root.i_ino", "i_ino=@root.1+12:u64"),
        ("where->f_pos", "f_pos=+0x8(@where):s64"),
        ("text", "text=@text:string"),
        ("five", "five=\\5:s32"),
        ("odd", "odd=%bx"),
        ("$args", "file=%r13:x64"),
    ],
)
def test_each_kind_of_place(site: Site, types: Btf, text: str, line: str) -> None:
    assert [one.arg.to_text() for one in resolve((text,), site, types).args] == [line]


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("gone", "cannot be read at this place: optimized out", "ktrace vars"),
        ("fil", "no variable 'fil' at this place in f", "did you mean file"),
        ("&table", "cannot be read by a probe", ""),
        ("$arg1", "only when the function is entered", ""),
        ("$retval", "no return value", ""),
        ("n->x", "is not a pointer", ""),
    ],
)
def test_what_is_wrong(site: Site, types: Btf, text: str, words: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve((text,), site, types)
    assert words in caught.value.message and hint in (caught.value.hint or "")
    assert caught.value.excerpt == text


def test_all_parameters_but_those_that_are_gone(site: Site, types: Btf) -> None:
    assert "'gone' cannot be read" in resolve(("$args",), site, types).notes[0]
