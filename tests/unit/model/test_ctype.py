import pytest

from ktrace.model.ctype import (
    Array,
    CType,
    Enum,
    Float,
    Forward,
    FuncProto,
    Function,
    Int,
    Param,
    Pointer,
    Qualified,
    Record,
    Tagged,
    Typedef,
    Void,
    bare,
    declare,
    is_char,
    points_to_text,
    signature,
    size_of,
    tags,
)

INT = Int("int", 4, True)
CHAR = Int("char", 1, True)
FILE = Record("struct", "file", 232, 7)
LOFF = Typedef("loff_t", Int("long long int", 8, True))


@pytest.mark.parametrize(
    ("ctype", "name", "text"),
    [
        (INT, "n", "int n"),
        (INT, "", "int"),
        (Void(), "", "void"),
        (Float("double", 8), "d", "double d"),
        (FILE, "f", "struct file f"),
        (Record("union", "", 8, 1), "u", "union {...} u"),
        (Forward("struct", "net"), "n", "struct net n"),
        (Enum("pid_type", 4, False), "t", "enum pid_type t"),
        (Pointer(FILE), "file", "struct file *file"),
        (Pointer(Pointer(CHAR)), "argv", "char **argv"),
        (Pointer(Qualified("const", CHAR)), "s", "const char *s"),
        (Qualified("const", Pointer(CHAR)), "s", "char *const s"),
        (Qualified("const", Pointer(Qualified("const", CHAR))), "", "const char *const"),
        (Qualified("restrict", Pointer(Pointer(CHAR))), "s", "char **restrict s"),
        (Pointer(Qualified("volatile", Pointer(INT))), "p", "int *volatile *p"),
        (Array(CHAR, 16), "comm", "char comm[16]"),
        (Array(Array(INT, 3), 2), "m", "int m[2][3]"),
        (Array(INT, 0), "flex", "int flex[]"),
        (Array(Pointer(INT), 4), "p", "int *p[4]"),
        (Pointer(Array(INT, 4)), "p", "int (*p)[4]"),
        (Pointer(FuncProto(INT, (Param("f", Pointer(FILE)),))), "open", "int (*open)(struct file *f)"),
        (FuncProto(Void()), "f", "void f(void)"),
        (FuncProto(INT, (Param("fmt", Pointer(CHAR)),), variadic=True), "p", "int p(char *fmt, ...)"),
        (
            FuncProto(Pointer(FuncProto(Void(), (Param("", INT),))), (Param("sig", INT),)),
            "signal",
            "void (*signal(int sig))(int)",
        ),
        (Pointer(Tagged("user", CHAR)), "buf", "char __user *buf"),
        (Pointer(LOFF), "pos", "loff_t *pos"),
        (Array(Pointer(FuncProto(Void())), 2), "ops", "void (*ops[2])(void)"),
    ],
)
def test_declares_as_c(ctype: CType, name: str, text: str) -> None:
    assert declare(ctype, name) == text


def test_signature() -> None:
    proto = FuncProto(LOFF, (Param("file", Pointer(FILE)), Param("pos", Pointer(LOFF))))
    assert signature(Function("vfs_read", proto)) == "loff_t vfs_read(struct file *file, loff_t *pos)"


def test_a_declaration_nested_without_end_is_cut_short() -> None:
    ctype: CType = INT
    for _ in range(500):
        ctype = FuncProto(Pointer(ctype), (Param("", ctype),))
    assert len(declare(ctype)) < 100_000


def test_prototypes_with_endless_parameters_are_cut_short() -> None:
    ctype: CType = INT
    for _ in range(6):
        ctype = Pointer(FuncProto(INT, (Param("", ctype),) * 1000))
    assert len(declare(ctype)) < 5_000_000


def test_bare_peels_names_qualifiers_and_tags() -> None:
    assert bare(Typedef("a", Qualified("const", Tagged("rcu", Typedef("b", INT))))) == INT


@pytest.mark.parametrize(
    "ctype",
    [
        Pointer(Tagged("user", CHAR)),
        Pointer(Qualified("const", Tagged("user", CHAR))),
        Typedef("uptr", Pointer(Tagged("user", Void()))),
        Tagged("user", Pointer(CHAR)),
    ],
)
def test_tags_are_found_on_either_side_of_the_star(ctype: CType) -> None:
    assert tags(ctype) == {"user"}


def test_only_char_makes_strings() -> None:
    assert is_char(Qualified("const", CHAR))
    assert is_char(Typedef("c", Int("whatever", 1, False, "char")))
    assert not is_char(Typedef("u8", Int("unsigned char", 1, False)))
    assert not is_char(Pointer(CHAR))


def test_pointers_to_text_and_to_bytes() -> None:
    byte = Int("unsigned char", 1, False)
    assert points_to_text(Pointer(Qualified("const", CHAR)))
    assert points_to_text(Typedef("name_t", Pointer(Tagged("user", Qualified("const", byte)))))
    assert not points_to_text(Pointer(Typedef("u8", byte)))
    assert not points_to_text(Array(CHAR, 4))
    assert not points_to_text(Pointer(Pointer(CHAR)))


@pytest.mark.parametrize(
    ("ctype", "size"),
    [
        (INT, 4),
        (Pointer(FILE), 8),
        (Array(Array(INT, 3), 2), 24),
        (Typedef("f", FILE), 232),
        (Array(Forward("struct", "x"), 2), None),
        (Void(), None),
        (FuncProto(Void()), None),
    ],
)
def test_sizes(ctype: CType, size: int | None) -> None:
    assert size_of(ctype) == size


def test_the_first_name_of_a_value_is_the_one_printed() -> None:
    assert Enum("e", 4, False, (("A", 0), ("FIRST", 0), ("B", 1))).names() == {0: "A", 1: "B"}
