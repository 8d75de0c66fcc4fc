"""Whatever a script says, it runs, or is told what is wrong and where: never a traceback."""

import warnings

from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.errors import KtraceError, UsageError
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
        st.tuples(figures, names).map(lambda t: f"@{t[0]}({t[1]})"),
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
