import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ktrace.errors import UsageError
from ktrace.model.fetch import (
    ALL_ARGS,
    FetchArg,
    name_args,
    parse_fetch_arg,
    split_type,
)
from ktrace.model.names import ARG_MAX, check_arg

EXPRESSIONS = [
    "%dx",
    "$arg1",
    "$retval",
    "$stack",
    "$stack0",
    "$comm",
    "@jiffies",
    "@jiffies+8",
    "@0xffffffff81000000",
    "+0(%si)",
    "-8(%sp)",
    "+u16(+8($arg1))",
    "\\5",
    "\\-5",
    '\\"str"',
    "count",
    "file->f_path.dentry->d_name.name",
    "$retval->f_pos",
]


@pytest.mark.parametrize("expr", EXPRESSIONS)
@pytest.mark.parametrize("name", [None, "a"])
@pytest.mark.parametrize("type_", [None, "u64", "string[4]", "b4@0/32", "%pd"])
def test_every_form_reads_as_it_spells_itself(expr, name, type_):
    arg = FetchArg(expr, name, type_)
    assert parse_fetch_arg(arg.to_text()) == arg


def test_a_bare_equals_sign_says_that_there_is_no_name():
    assert parse_fetch_arg("=-8(%sp):u32") == FetchArg("-8(%sp)", None, "u32")
    assert parse_fetch_arg("=a=b") == FetchArg("a=b")


def test_an_equals_sign_within_an_expression_names_nothing():
    assert parse_fetch_arg("$arg1=x").name is None
    assert parse_fetch_arg("f(a=b)") == FetchArg("f(a=b)")


@pytest.mark.parametrize(
    ("text", "caret"),
    [
        ("a=", 2),
        ("=", 1),
        ("a= b", 2),
        ("a=#1", 2),
        ("a\tb", 1),
        ("a=\x00", 2),
        ("a\u2003b", 1),
        ("a\x1b", 1),
    ],
)
def test_what_would_end_the_argument_or_the_line_is_refused(text, caret):
    with pytest.raises(UsageError) as error:
        parse_fetch_arg(text)
    assert (error.value.excerpt, error.value.caret) == (text, caret)
    assert error.value.hint


def test_empty():
    with pytest.raises(UsageError, match="an argument is empty"):
        parse_fetch_arg("")


@pytest.mark.parametrize("text", ["9=%di", "a-b=%di", "common_pid=%di", "x" * 33 + "=%di"])
def test_names_are_checked(text):
    with pytest.raises(UsageError):
        parse_fetch_arg(text)


@given(st.text())
@example("=")
@example(":")
def test_random_text_is_an_argument_or_a_usage_error(text):
    try:
        arg = parse_fetch_arg(text)
    except UsageError as error:
        assert error.caret is None or 0 <= error.caret <= len(text)
    else:
        assert not re.search(r"\s|#", arg.to_text())


def test_any_colon_begins_the_type():
    assert split_type("%di") == ("%di", None)
    assert split_type("%di:u8") == ("%di", "u8")
    assert split_type('\\"a:b"') == ('\\"a', 'b"')
    assert split_type("a:b:c") == ("a:b", "c")


@pytest.mark.parametrize(
    ("expr", "name"),
    [
        ("%di", "di"),
        ("$retval", "ret"),
        ("$retval->f_pos", "f_pos"),
        ("$comm", "comm"),
        ("$COMM", "comm"),
        ("$arg1", "arg1"),
        ("$stack2", "stack2"),
        ("@jiffies", "jiffies"),
        ("@jiffies+8", "arg1"),
        ("count", "count"),
        ("file->f_pos", "f_pos"),
        ("file->f_path.dentry", "dentry"),
        ("+0(%si)", "arg1"),
        ("\\5", "arg1"),
        ("$", "_"),
    ],
)
def test_natural_names(expr, name):
    assert name_args((FetchArg(expr, None, "u8"),)) == (FetchArg(expr, name, "u8"),)


def test_names_that_meet_are_numbered():
    args = name_args((FetchArg("%di"), FetchArg("%di"), FetchArg("x", "di"), FetchArg("%di")))
    assert [arg.name for arg in args] == ["di_2", "di_3", "di", "di_4"]


def test_positions_count_from_one():
    args = name_args((FetchArg("\\1"), FetchArg("%si"), FetchArg("\\3")))
    assert [arg.name for arg in args] == ["arg1", "si", "arg3"]


def test_all_arguments_take_no_name():
    assert name_args((FetchArg(ALL_ARGS),)) == (FetchArg(ALL_ARGS),)


def test_reserved_names_are_avoided():
    assert name_args((FetchArg("task->common_pid"),))[0].name == "common_pid_2"


@given(st.lists(st.one_of(st.sampled_from(EXPRESSIONS), st.text(min_size=1)), max_size=40))
@example(["x" * 40, "x" * 41])
@example(["%" + "x" * 40] * 12)
def test_names_are_different_and_the_kernels_own_rules_hold(exprs):
    named = name_args(tuple(FetchArg(expr) for expr in exprs))
    names = [arg.name for arg in named if arg.expr != ALL_ARGS]
    assert len(set(names)) == len(names)
    for name in names:
        assert len(check_arg(name)) <= ARG_MAX
    assert [arg.expr for arg in named] == exprs


def test_a_colon_without_a_type_is_not_lost() -> None:
    assert parse_fetch_arg("%di:").to_text() == "%di:"
    assert parse_fetch_arg("x=%di:") == FetchArg("%di:", "x")
