"""Any script runs, or gets an error with its place: never a traceback."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.errors import KtraceError, UsageError
from ktrace.script.kernel_interface import Found, Read
from ktrace.script.language.points import AtEvent, AtFunction, AtSyscall
from tests.scripts.case import HERE, read
from tests.unit.script.scripts import FakeKernel, events, feed, start

LIMITS = ("MAXACTION=60", "MAXACTION_INTERRUPTIBLE=60", "MAXMAPENTRIES=4", "MAXERRORS=3", "MAXSTRINGLEN=40")

names = st.sampled_from(["a", "b", "g", "h", "s"])
numbers = st.sampled_from(["0", "1", "-1", "7", "64", "99999", "9223372036854775807", "-9223372036854775808"])
texts = st.sampled_from(['""', '"x"', '"a b"', '"%d"', '"[a-"', '"\\xff"', '"12"'])
kernels = st.sampled_from(
    ["$x", "$x->y", "$y[1]", "$return", '@cast($x, "t")->z', "@entry($x)", "$$parms", "$x$"]
)
calls = st.sampled_from(
    (
        *("strlen", "substr", "stringat", "isinstr", "strtol", "tokenize", "str_replace", "text_str"),
        *("text_strn", "errno_str", "return_str", "ctime", "indent", "thread_indent", "ansi_set_color"),
        *("ansi_cursor_move", "matched", "ip_ntop", "format_ipaddr", "htonl", "MKDEV", "randint", "f", "r"),
        *("bytes_to_string", "nsecs_to_string", "isdigit", "execname", "pid", "gettimeofday_us", "symname"),
        *("caller", "callers", "exit", "error", "assert", "kernel_string", "user_string", "int_arg", "print"),
        *("println", "sprint", "sprintf", "printf", "printd", "sprintd", "returnval", "cmdline_arg", "uid"),
        *("ppid", "env_var", "target", "pp", "backtrace", "print_backtrace", "jiffies", "task_pid", "cpu"),
        *("ubacktrace", "system", "warn"),
    )
)
operators = st.sampled_from(
    (
        *("+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", "&&", "||", "<", "<=", "==", "!=", ">=", ">"),
        *(".", "=", "+=", ".=", "-=", "/=", "%=", "<<=", "<<<", "=~", "!~"),
    )
)
figures = st.sampled_from(["count", "sum", "avg", "hist_log", "variance"])


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from("-!~"), inner).map(lambda t: f"({t[0]} {t[1]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        st.tuples(names, st.lists(inner, min_size=1, max_size=2)).map(lambda t: f"{t[0]}[{', '.join(t[1])}]"),
        st.tuples(calls, st.lists(inner, max_size=3)).map(lambda t: f"{t[0]}({', '.join(t[1])})"),
        st.tuples(inner, names).map(lambda t: f"({t[0]} in {t[1]})"),
        st.tuples(names, st.sampled_from(["++", "--"])).map(lambda t: f"({t[0]}{t[1]})"),
        st.tuples(figures, st.one_of(names, inner)).map(lambda t: f"@{t[0]}({t[1]})"),
        st.tuples(names, inner).map(lambda t: f"@hist_log({t[0]})[{t[1]}]"),
        names.map(lambda n: f"{n}[*]"),
        inner.map(lambda e: f"@defined({e})"),
    )


expressions = st.recursive(st.one_of(names, numbers, texts, kernels), compound, max_leaves=6)


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(expressions, inner, inner).map(lambda t: f"if ({t[0]}) {{ {t[1]} }} else {{ {t[2]} }}"),
        st.tuples(expressions, inner).map(lambda t: f"while ({t[0]}) {{ {t[1]} }}"),
        st.tuples(names, inner).map(lambda t: f"foreach (k in {t[0]}-) {{ {t[1]} }}"),
        st.tuples(names, inner).map(lambda t: f"foreach (v = [k, l+] in {t[0]} limit 2) {{ {t[1]} }}"),
        st.tuples(inner, inner).map(lambda t: f"try {{ {t[0]} }} catch (s) {{ {t[1]} }}"),
        st.tuples(inner, inner).map(" ".join),
    )


simple = st.one_of(
    expressions.map(lambda e: e + ";"),
    names.map(lambda n: f"delete {n};"),
    st.sampled_from(["break;", "continue;", "next;", "return 1;", ";"]),
)
statements = st.recursive(simple, nested, max_leaves=4)


@settings(max_examples=400, deadline=None)
@given(statements, statements, st.booleans())
def test_any_script_runs_or_says_what_is_wrong(one: str, other: str, at_return: bool) -> None:
    text = f"""
        global g, h
        function f(a) {{ {other if "return" in other else "return a"} }}
        function r(n) {{ return r(n + 1) }}
        probe begin, timer.ms(1) {{ {one} }}
        probe kernel.function("k"){".return" if at_return else ""} {{ {one} {other} }}
    """
    kernel = FakeKernel(["k"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ran = start(text, kernel, limits=LIMITS)
        except KtraceError as error:
            assert isinstance(error, UsageError)
            assert error.excerpt is not None or "nested too deeply" in error.message
            return
        for name, reads in kernel.asked.items():
            columns = {
                f"f{i}": [1, 2] if read.kind not in ("string", "ustring", "path") else ["x", None]
                for i, read in enumerate(reads)
            }
            feed(ran, events(name, columns))
        ran.drive.advance(3_000_000_000)
        ran.drive.end()


class Everything(FakeKernel):
    """A kernel that has every function, event and call."""

    def __init__(self) -> None:
        super().__init__(_All())

    def find(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> Sequence[Found]:
        """Give each handler its own event, as a kernel does."""
        (found,) = super().find(site, reads)
        event = f"{found.event}_{len(self.asked)}"
        self.asked[event] = self.asked.pop(found.event)
        return [replace(found, event=event)]


class _All(Sequence[str]):
    def __contains__(self, _: object) -> bool:
        return True

    def __getitem__(self, index: object) -> str:  # type: ignore[override]  # one name stands for all
        if index:
            raise IndexError
        return "vfs_read"

    def __len__(self) -> int:
        return 1


SCRIPTS = [read(path).script for path in sorted(HERE.glob("*/*.case"))]
_PIECE = re.compile(r'"(?:[^"\\\n]|\\.)*"|[$@]*\w+|\s+|<<<|->|[-+*/%&|^<>=!]=|%[({})?:]|\+\+|--|.', re.DOTALL)
MORE = (
    *("probe", "begin", "global", "function", "if", "else", "foreach", "in", "limit", "try", "catch", "next"),
    *("return", "delete", "break", "{", "}", "(", ")", "[", "]", ",", ";", "*", "%", "%(", "%)", "%?", "%:"),
    *(
        "$x",
        "$$parms",
        "$x$",
        "@1",
        "$#",
        "@count(",
        "@define",
        "@entry(",
        "@defined(",
        '"',
        '"a"',
        "0x",
        "7",
    ),
    *(
        "<<<",
        "->",
        "=~",
        "++",
        ".",
        "?",
        "!",
        ":",
        "=",
        "+=",
        "&",
        "private",
        "%{",
        "%}",
        "/*",
        "#",
        "\\",
        "\0",
    ),
    *("kernel", ".function(", ".return", "timer.s(1)", "syscall.*", "vfs.read", "never", "long", "string"),
)
changes = st.lists(
    st.tuples(
        st.sampled_from(["drop", "twice", "swap", "put", "replace"]), st.integers(0), st.sampled_from(MORE)
    ),
    min_size=1,
    max_size=6,
)


def changed(text: str, steps: Sequence[tuple[str, int, str]]) -> str:
    """A script with words dropped, said twice, swapped, put in or replaced."""
    words = _PIECE.findall(text)
    for what, where, word in steps:
        at = where % max(len(words), 1)
        match what:
            case "drop":
                del words[at : at + 1]
            case "twice":
                words[at:at] = words[at : at + 1]
            case "swap":
                words[at : at + 2] = reversed(words[at : at + 2])
            case "put":
                words.insert(at, f" {word} ")
            case _:
                words[at : at + 1] = [word]
    return "".join(words)


def try_out(text: str) -> None:
    """It runs, or an error has a place in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ran = start(text, Everything(), "7", "x y", limits=LIMITS)
        except KtraceError as error:
            placed = isinstance(error, UsageError) and error.excerpt is not None
            assert placed or "nested too deeply" in error.message or "has no probes" in error.message
            return
        ran.drive.advance(3_000_000_000)
        ran.drive.end()


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SCRIPTS), changes)
def test_a_script_with_mistakes_runs_or_says_what_is_wrong(
    script: str, steps: list[tuple[str, int, str]]
) -> None:
    try_out(changed(script, steps))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(MORE), names, numbers, texts, operators, kernels), max_size=40))
def test_any_words_run_or_are_told_what_is_wrong(words: list[str]) -> None:
    try_out(" ".join(words))
    try_out("probe begin { " + " ".join(words) + " }")
