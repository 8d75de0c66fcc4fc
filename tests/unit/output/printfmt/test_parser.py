import pytest

from ktrace.model.lookups import Lookups
from ktrace.output.printfmt.lexer import NotUnderstood
from ktrace.output.printfmt.parser import parse_print_fmt
from ktrace.output.printfmt.tree import Cast, FieldOf, Name, Null, Table
from tests.unit.output.printfmt.records import bodies, event

INT = "int a 4 1"


def value(expression, conversion="%d", field=INT, a=(0,)):
    (text,) = bodies(event(f'"{conversion}", {expression}', field), a=list(a))
    return text


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 2 - 3", "5"),
        ("1 << 2 + 1", "8"),
        ("1 | 6 & 3 ^ 1", "3"),
        ("7 & 3 == 3", "1"),
        ("1 < 2 == 1", "1"),
        ("0 || 2 && 3", "1"),
        ("!5", "0"),
        ("!!5", "1"),
        ("~0", "-1"),
        ("-7 / 2", "-3"),
        ("-7 % 2", "-1"),
        ("7 / 0", "0"),
        ("-1 >> 1", "-1"),
        ("1 ? 2 : 0 ? 3 : 4", "2"),
        ("0 ? 2 : 0 ? 3 : 4", "4"),
        ("'a'", "97"),
        ("'\\n'", "10"),
        ("010", "8"),
        ("0x1F", "31"),
        ("sizeof(u64) + sizeof(void *) + sizeof(unsigned short) + sizeof(int)", "22"),
        ("(unsigned char)300", "44"),
        ("(signed char)200", "-56"),
        ("(s8)(u8)200", "-56"),
        ("(gfp_t)0x400u|0x800u", "3072"),
        ("( gfp_t)((((1UL))) << (10))", "1024"),
        ("(nobody_knows_t)5", "5"),
        ("__builtin_expect(!!(3), 0)", "1"),
        ("({ int x = 5; int y = (3); ((x) < (y) ? (x) : (y)); })", "3"),
        ("pte_val(native_make_pte(9))", "9"),
        ("__builtin_bswap16(0x1234) ", str(0x3412)),
        ("5 ?: 3", "5"),
        ("0 ?: 3", "3"),
        ("0 ?: 0 ?: 4", "4"),
        ("sizeof(REC->a)", "4"),
        ("sizeof(struct in6_addr) + sizeof(uuid_t)", "32"),
    ],
)
def test_constant_expressions(expression, want):
    assert value(expression) == want


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        ("-1 < 1u", "0"),  # compared as unsigned
        ("-1 < 1", "1"),
        ("(-1 >> 28)", str((1 << 64) - 1)),
        ("(unsigned int)-1 >> 28", "15"),
        ("0xffffffff + 1", "0"),  # an unsigned int
        ("0xffffffffUL + 1", str(1 << 32)),
        ("1 << 31", str((1 << 64) - (1 << 31))),
        ("4294967295", "4294967295"),
        ("((REC->a) >= (unsigned long)-4095)", "1"),
    ],
)
def test_types_are_those_of_c(expression, want):
    assert value(expression, "%lu", a=[-4]) == want


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        ("REC->a", ["-8", "0", "5"]),
        ("(REC)->a + 1", ["-7", "1", "6"]),
        ("REC->a / 3", ["-2", "0", "1"]),
        ("REC->a % 3", ["-2", "0", "2"]),
        ("REC->a >> 1", ["-4", "0", "2"]),
        ("(unsigned int)REC->a >> 31", ["1", "0", "0"]),
        ("REC->a << 1", ["-16", "0", "10"]),
        ("1 << (REC->a & 7)", ["1", "1", "32"]),
        ("10 / REC->a", ["-1", "0", "2"]),
        ("REC->a > 0 && REC->a < 9", ["0", "0", "1"]),
        ("REC->a ? REC->a : 7", ["-8", "7", "5"]),
        ("-REC->a", ["8", "0", "-5"]),
        ("~REC->a", ["7", "-1", "-6"]),
        ("!REC->a", ["0", "1", "0"]),
        ("(short)(REC->a * 10000)", [str(-80000 + 65536), "0", str(50000 - 65536)]),
        ("*(&REC->a)", ["-8", "0", "5"]),
    ],
)
def test_columns(expression, want):
    texts = bodies(event(f'"%d", {expression}', INT), a=[-8, 0, 5])
    assert texts == want


@pytest.mark.parametrize(
    ("expression", "conversion", "want"),
    [
        ("sizeof(long) * 10 + sizeof(void *)", "%d", "44"),
        ("sizeof(size_t) + sizeof(u64)", "%d", "12"),
        ("(unsigned long)-1", "%lx", "ffffffff"),
        ("(long)REC->a", "%ld", "-5"),
        ("REC->a", "%lx", "fffffffb"),
        ("REC->a", "%zx", "fffffffb"),
        ("REC->a", "%llx", "fffffffffffffffb"),
        ("4294967296", "%lld", "4294967296"),
        ("0xffffffffUL + 1", "%lld", "0"),
        ("(void *)REC->a", "%p", "fffffffb"),
        ("(void *)16", "%#p", "0x00000010"),
    ],
)
def test_types_of_32_bits(expression, conversion, want):
    form = event(f'"{conversion}", {expression}', INT)
    assert bodies(form, Lookups(long=4), a=[-5]) == [want]


@pytest.mark.parametrize(
    ("expression", "conversion", "little", "big"),
    [
        ("&REC->a", "%pI4", "4.3.2.1", "1.2.3.4"),
        ("&REC->a", "%4ph", "04 03 02 01", "01 02 03 04"),
        ("*(u8 *)&REC->a", "%d", "4", "1"),
        ("((u16 *)&REC->a)[1]", "%x", "102", "304"),
        ("((u8 *)&REC->a)[REC->a & 1]", "%d", "4", "1"),
        ("*((u8 *)&REC->a + 1)", "%d", "3", "2"),
        ("&((u8 *)&REC->a)[2]", "%2ph", "02 01", "03 04"),
        ("__print_hex(&REC->a, sizeof(REC->a))", "%s", "04 03 02 01", "01 02 03 04"),
        ("__print_array(&REC->a, 1, 4)", "%s", "{0x1020304}", "{0x1020304}"),
        ("__print_array(&REC->a, 2, 2)", "%s", "{0x304,0x102}", "{0x102,0x304}"),
        ("&REC->a", "%pa", "0x01020304", "0x01020304"),
        ("&REC->a", "%p", "(?)", "(?)"),
    ],
)
def test_pointers_to_a_field(expression, conversion, little, big):
    form = event(f'"{conversion}", {expression}', INT)
    found = [bodies(form, Lookups(big_endian=order), a=[0x01020304])[0] for order in (False, True)]
    assert found == [little, big]


def test_a_condition_that_is_its_own_value_is_computed_once():
    """Or each level would double the work."""
    expression = "REC->a"
    for _ in range(60):
        expression = f"({expression} ?: 7)"
    assert bodies(event(f'"%d", {expression}', INT), a=[0, 5]) == ["7", "5"]


def test_casts_and_parentheses_are_told_apart():
    assert parse_print_fmt('"%d", (x) - 1').args[0].left == Name("x")
    assert isinstance(parse_print_fmt('"%d", (x)1').args[0], Cast)
    assert parse_print_fmt('"%d", (REC)->a').args == (FieldOf("a"),)
    assert parse_print_fmt('"%s", f({ -1, ((void *)0) })').args[0].args[0].items[1] == Null()
    assert isinstance(parse_print_fmt('"%s", f({ 1, "a" "b" })').args[0].args[0], Table)


def test_strings_that_follow_each_other_and_escapes():
    assert parse_print_fmt(r'"a\t\"b\"" "\x41\101\\n" , REC->a').template == 'a\t"b"AA\\n'


@pytest.mark.parametrize(
    "text",
    ["", "REC->a", '"%d" REC->a', '"%d", (', '"%d", REC->a +', '"%d", REC->', '"%d", @', '"%d", f(1',
     '"%d", sizeof(struct page)', '"%d", REC->a)', '"unfinished', '"%d", ' + "(" * 5000],
)  # fmt: skip
def test_what_is_not_understood_is_said(text):
    with pytest.raises(NotUnderstood):
        parse_print_fmt(text)
