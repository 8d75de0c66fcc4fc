"""The grammar: the trees of valid texts, and the errors of all others."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.script.language.parser import parse
from ktrace.script.language.preprocess import Facts, Preprocessor
from ktrace.script.language.printer import show
from ktrace.script.language.source import ScriptError, SourceFile


def shown(text: str, *arguments: str) -> str:
    facts = Facts("6.12.9-amd64", "x86_64", {"CONFIG_SMP": "y"}.get, arguments)
    return show(parse(SourceFile("t.stp", text), Preprocessor(facts)))


def body(text: str) -> str:
    """Return the statements of a probe as they are printed, with single blanks."""
    found = shown("probe begin { " + text + " }")
    return re.sub(r"\s+", " ", found.removeprefix("probe begin\n{").removesuffix("}\n\n").strip())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = b + c * d", "(a = (b + (c * d)));"),
        ("a = b . c + d", "(a = (b . (c + d)));"),
        ("a = b << c . d", "(a = (b << (c . d)));"),
        ("a = b - c - d", "(a = ((b - c) - d));"),
        ("a = b = c", "(a = (b = c));"),
        ("a = b ? c : d ? e : f", "(a = (b ? c : (d ? e : f)));"),
        ("a = b || c && d | e ^ f & g", "(a = (b || (c && (d | (e ^ (f & g))))));"),
        ("a = b & c == d", "(a = (b & (c == d)));"),
        ("a = b < c << d", "(a = (b < (c << d)));"),
        ("a = !b in c", "(a = ([(!b)] in c));"),
        ("a = [b, *] in c && d", "(a = (([b, *] in c) && d));"),
        ("a = -b++", "(a = (-(b++)));"),
        ("a = - -b", "(a = (-(-b)));"),
        ("a <<< b; a .= c", "(a <<< b); (a .= c);"),
        ('x[1, "a"]++', '(x[1, "a"]++);'),
        ("--x[1]", "(--x[1]);"),
        ("a = $x->y[1]->z$", "(a = $x->y[1]->z$);"),
        ("a = &$x->y", "(a = &$x->y);"),
        ("a = b & $x", "(a = (b & $x));"),
        ("a = $$parms . $x$$", "(a = ($$parms . $x$$));"),
        ('a = @cast(b, "task_struct", "kernel")->pid', '(a = @cast(b, "task_struct", "kernel")->pid);'),
        ('a = @var("jiffies")', '(a = @var("jiffies"));'),
        ("a = f()->pid", "(a = f()->pid);"),
        ("a = @entry($x) + @defined($y->z)", "(a = (@entry($x) + @defined($y->z)));"),
        ("a = @choose_defined($x, $y)", "(a = (@defined($x) ? $x : $y));"),
        ("a = @hist_log(x[1])[3]", "(a = @hist_log(x[1])[3]);"),
        ("print(@hist_linear(x, -10, 20, 5))", "print(@hist_linear(x, -10, 20, 5));"),
        ('a = b =~ "^x" || c !~ "y"', '(a = ((b =~ "^x") || (c !~ "y")));'),
        ('a = "x" "y"', '(a = "xy");'),
        (r'a = "\x41\102\n\q\\"', r'(a = "AB\nq\\");'),
        ("a = 0x10 + 010 + 0xffffffffffffffff", "(a = ((16 + 8) + (-1)));"),
        ("a = b c = d", "(a = b); (c = d);"),
        ("a = 1;; b = 2;", "(a = 1); (b = 2);"),
        ("if (a) b = 1; else c = 1", "if (a) { (b = 1); } else (c = 1);"),
        ("if (a) if (b) c() else d()", "if (a) { if (b) { c(); } else d(); }"),
        ("while (a) { break; continue }", "while (a) { break; continue; }"),
        ("for (i = 0; i < 3; i++) a()", "for ((i = 0); (i < 3); (i++)) a();"),
        ("for (;;) a()", "while (1) a();"),
        ("foreach (k in x) a()", "foreach ([k] in x) a();"),
        ("foreach (k+ in x) a()", "foreach ([k+] in x) a();"),
        ("foreach (k in x- limit 3 * n) a()", "foreach ([k] in x- limit (3 * n)) a();"),
        ("foreach ([i, j-] in x) a()", "foreach ([i, j-] in x) a();"),
        ("foreach (v = [i, j] in x[*, 3] @sum-) a()", "foreach (v = [i, j] in x[*, 3] @sum-) a();"),
        ("foreach (v = k in x+) a()", "foreach (v = [k] in x+) a();"),
        ("foreach (k in @hist_log(x)) a()", "foreach ([k] in @hist_log(x)) a();"),
        ("delete x; delete x[1, *]", "delete x; delete x[1, *];"),
        ("try { a() } catch (m) { b() }", "try { a(); } catch (m) { b(); }"),
        ("try { a() } catch { b() }", "try { a(); } catch { b(); }"),
        ("next", "next;"),
        ("a /* c */ = // d\n b # e\n c = 1", "(a = b); (c = 1);"),
        ("{ }", "{ }"),
    ],
)
def test_statements(text: str, expected: str) -> None:
    assert body(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("probe begin, end {}", "begin, end"),
        ("probe timer.s(1), timer.ms(20).randomize(5) {}", "timer.s(1), timer.ms(20).randomize(5)"),
        ('probe kernel.function("vfs_*@fs/x.c:10").call ? {}', 'kernel.function("vfs_*@fs/x.c:10").call?'),
        ("probe syscall.{open,close}.return {}", "syscall.open.return, syscall.close.return"),
        (
            'probe kernel.{function("a"), function("b").call} !, x {}',
            'kernel.function("a")!, kernel.function("b").call!, x',
        ),
        ("probe syscall.*, vm.page*, a.*b*.c {}", "syscall.*, vm.page*, a.*b*.c"),
        ("probe a.{b,c}.{d,e} {}", "a.b.d, a.b.e, a.c.d, a.c.e"),
        (
            'probe kernel.trace("sched:sched_switch") if (a == 1) {}',
            'kernel.trace("sched:sched_switch") if ((a == 1))',
        ),
        ("probe a = b, c { x = 1 }", "a = b, c"),
        ("probe a.return += b.return ? { x = 1 }", "a.return += b.return?"),
    ],
)
def test_probe_points(text: str, expected: str) -> None:
    assert shown(text).splitlines()[0] == "probe " + expected


def test_an_alias_with_two_blocks() -> None:
    text = shown("probe a = b { x = 1 }, { if (@probewrite(x)) y = 2 }")
    assert " ".join(text.split()) == "probe a = b { (x = 1); } , { if (@probewrite(x)) { (y = 2); } }"


def test_definitions() -> None:
    text = """
        global a, b[10], c%[5], d%, e = -5, f = "x";
        private global g
        function h:string(a:long, b) { return "x" }
        function i() { return }
        private function j:long (a) { next }
    """
    lines = [line for line in shown(text).splitlines() if line.startswith(("global", "function"))]
    assert lines == [
        *("global a", "global b[10]", "global c%[5]", "global d%", "global e = -5", 'global f = "x"'),
        *("global g", "function h:string(a:long, b)", "function i()", "function j:long(a)"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('%( kernel_v >= "2.6.18" %? a() %: b() %)', "a();"),
        ('%( kernel_v < "6.9" %? a() %: b() %)', "b();"),
        ('%( kernel_vr == "*amd64" %? a() %)', "a();"),
        ('%( arch == "i?86" %? a() %)', ""),
        ('%( arch != "i?86" && CONFIG_SMP == "y" || arch == "z" %? a() %)', "a();"),
        ('%( CONFIG_NONE == "y" %? a() %: b() %)', "b();"),
        ("%( $# == 2 %? a($1, @2) %)", 'a(7, "x y");'),
        ("%( $# > 2 %? a($3) %: b() %)", "b();"),
        ('%( $1 == 7 && @2 == "x*" %? a() %)', "a();"),
        ('%( arch == "x" %? %( 1 == 1 %? a() %: b() %) %: %( 1 == 2 %? c() %: d() %) %)', "d();"),
        ('%( systemtap_v >= "1.0" %? a() %)', "a();"),
        ("@define m(p, q) %( ((@p) * @q) %) a(@m(1 + 2, f(3, 4)))", "a(((1 + 2) * f(3, 4)));"),
        ("@define n %( 5 %) a(@n)", "a(5);"),
        ("@define o(p) %( @p %) @define q(p) %( @o(@p) %) a(@q(7))", "a(7);"),
    ],
)
def test_what_is_decided_before_parsing(text: str, expected: str) -> None:
    head, _, rest = text.rpartition("%) a(") if text.startswith("@define") else ("", "", text)
    found = shown(
        (head + "%)" if head else "") + "probe begin {" + ("a(" if head else "") + rest + "}", "7", "x y"
    )
    assert (
        re.sub(r"\s+", " ", found.removeprefix("probe begin\n{").strip().removesuffix("}").strip())
        == expected
    )


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("probe begin { a = }", "1:19", "a value is missing"),
        ("probe begin {\n  a = (1 + 2\n}", "3:1", "')' is missing"),
        ("probe begin { if a }", "1:18", "'(' after 'if' is missing"),
        ("probe begin { x", "1:16", "'}' is missing"),
        ('probe begin { x = "abc }', "1:19", "this string does not end"),
        ("probe begin { /* }", "1:15", "this comment does not end"),
        ("probe begin %{ x %}", "1:13", "embedded C cannot be run"),
        ("%{ #include <x> %}", "1:1", "embedded C cannot be run"),
        ("function f() %{ x %}", "1:14", "embedded C cannot be run"),
        ("probe begin { x = 1 ` 2 }", "1:21", "cannot stand here"),
        ("foo", "1:1", "a definition is missing"),
        ("global if", "1:8", "is a keyword"),
        ("probe ? { }", "1:7", "a probe point is missing"),
        ("probe begin { foreach (a+, b in c) {} }", "1:26", "'in' is missing"),
        ("probe begin { foreach ([a+, b-] in c) {} }", "1:24", "sorted by one thing"),
        ("probe begin { x = $1 }", "1:19", "there is no argument $1"),
        ("%( kernel_v %? a %)", "1:1", "a comparison is missing"),
        ("%( foo == 1 %? a %)", "1:4", "a condition cannot test 'foo'"),
        ("%( 1 == 1 %? a", "1:1", "there is no %)"),
        ("probe begin { x = 99999999999999999999 }", "1:19", "more than 64 bits"),
        ("probe begin { x = 09 }", "1:19", "is not a number"),
        ("probe begin { x = @foo(1) }", "1:19", "no macro or operator @foo"),
        ("probe begin { x = a =~ b }", "1:24", "a literal string"),
        ("probe begin { x = @hist_linear(a, 1, 2) }", "1:19", "does not take 3 arguments"),
        ("probe begin { do { } while (1) }", "1:15", "there is no 'do' loop"),
        ("probe begin { x = " + "(" * 200 + "1" + ")" * 200 + "}", "1:64", "nested deeper"),
        ("@define r %( @r %) probe begin { x = @r }", "1:14", "go too deep"),
        ("function f(a, a) { }", "1:15", "two parameters 'a'"),
    ],
)
def test_errors_have_a_place(text: str, place: str, message: str) -> None:
    with pytest.raises(ScriptError, match=re.escape(message)) as caught:
        shown(text)
    assert str(caught.value.at) == "t.stp:" + place
    assert caught.value.excerpt == text.split("\n")[int(place.split(":", maxsplit=1)[0]) - 1]


_WORDS = st.sampled_from(
    """
    probe begin end global function { } ( ) [ ] ; , . = + - * / % < > << <<< ? : ! & | ^ ~ ++ -- += .= ==
    if else while for foreach in limit return next break delete try catch x y f $x $1 @1 $# @count @cast
    @defined @entry @define @hist_log %( %) %? %: %{ %} 1 0x 09 "a" " \\ $$parms $x$ -> =~ timer.s(1)
    kernel.function("a") syscall.* /* */ # // @x private string long \x00 \udc80 \xe9
    """.strip(" \n").split()
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_WORDS, max_size=40))
def test_any_text_is_a_tree_or_an_error_with_a_place(words: list[str]) -> None:
    _only_errors_with_a_place(" ".join(words))
    _only_errors_with_a_place("probe begin { " + " ".join(words) + " }")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_characters_are_a_tree_or_an_error_with_a_place(text: str) -> None:
    _only_errors_with_a_place(text)


def _only_errors_with_a_place(text: str) -> None:
    try:
        once = shown(text, "a b", "c")
    except ScriptError as error:
        assert error.excerpt is not None
        return
    assert shown(once) == once
