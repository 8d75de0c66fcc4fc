import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.errors import UsageError
from ktrace.model.column import Strings
from ktrace.model.meaning import Meaning
from ktrace.stream.filter import Filter
from tests.fuzz.reduce import key_of
from tests.fuzz.targets.filters import Filters
from tests.unit.output.batches import INVALID, batch

NAMES = ["vfs_read", "vfs_write", "read", None, INVALID, "a]b", "a*b"]
ROWS = batch(
    "e",
    pid=[0, 1, 2, 3, 4, 5, 6],
    cpu=[0, 0, 1, 1, 2, 2, 3],
    comm=["sh", "bash", "sh", "init", "sh", "dash", "sh"],
    n=np.array([-3, -1, 0, 1, 2, 8, 2**31 - 1], np.int32),
    u=np.array([0, 1, 2, 3, 4, 2**63, 2**64 - 1], np.uint64),
    big=np.array([-1, 0, 1, 2, 3, 4, 2**64 - 1], object),
    name=Strings.of(NAMES),
    array=np.zeros((7, 2), np.int64),
)


def matched(expression):
    return ROWS.pid[Filter(expression).mask(ROWS)].tolist()


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("n == 1", [3]),
        ("n==1", [3]),
        ("n != -1", [0, 2, 3, 4, 5, 6]),
        ("n < 0", [0, 1]),
        ("n <= 0", [0, 1, 2]),
        ("n > +2", [5, 6]),
        ("n >= 0x8", [5, 6]),
        ("n == 010", [5]),
        ("n & 1", [0, 1, 3, 6]),
        ("n & 0x80000000", [0, 1]),
        ("n == 4294967296", []),
        ("n != 4294967296", [0, 1, 2, 3, 4, 5, 6]),
        ("n < 4294967296", [0, 1, 2, 3, 4, 5, 6]),
        ("n > -4294967296", [0, 1, 2, 3, 4, 5, 6]),
        ("u >= 0x8000000000000000", [5, 6]),
        ("u > -1", [0, 1, 2, 3, 4, 5, 6]),
        ("u == 18446744073709551615", [6]),
        ("u & 0x8000000000000000", [5, 6]),
        ("big < 1", [0, 1]),
        ("big & 2", [0, 3, 4, 6]),
        ('name == "read"', [2]),
        ("name != 'read'", [0, 1, 3, 4, 5, 6]),
        ('name ~ "vfs_*"', [0, 1]),
        ('name ~ "!vfs_*"', [2, 3, 4, 5, 6]),
        ('name ~ "*rea?"', [0, 2]),
        ('name ~ "[r-v]*"', [0, 1, 2]),
        ('name ~ "[!v]*"', [2, 3, 4, 5, 6]),
        ('name ~ "a[]]b"', [5]),
        ('name ~ "[z-a]*"', []),
        ('name ~ "[!z-a]ead"', [2]),
        (r'name ~ "a\*b"', [6]),
        ('name == "(fault)"', [3]),
        ('name ~ "caf?"', [4]),
        ("name ~ ''", []),
        ("COMM == sh".replace("sh", '"sh"'), [0, 2, 4, 6]),
        ('comm ~ "*ash"', [1, 5]),
        ("CPU == 1", [2, 3]),
        ("cpu >= 2", [4, 5, 6]),
        ("CPU & CPUS{0,2-3}", [0, 1, 4, 5, 6]),
        ("CPU == CPUS{1}", [2, 3]),
        ("CPU != CPUS{1}", [0, 1, 4, 5, 6]),
        ("CPU == CPUS{0-1}", []),
        ("common_pid == 4", [4]),
        ("n == 0 || n == 1 && CPU == 0", [2]),
        ("(n == 0 || n == 1) && CPU == 1", [2, 3]),
        ("!(n < 0)", [2, 3, 4, 5, 6]),
        ("!!(n < 0)", [0, 1]),
        ("! n < 0 && u < 3", [2]),
        ("  n  <  0  ", [0, 1]),
        ("missing == 1", []),
        ("missing == 1 || n == 1", []),
    ],
)
def test_rows(expression, rows):
    assert matched(expression) == rows


@pytest.mark.parametrize(
    ("expression", "caret", "message"),
    [
        ("", 0, "a field's name should be here"),
        ("n == 1 &&", 9, "a field's name should be here"),
        ("n == 1 & u == 1", 7, "&& or || should be here"),
        ("n", 1, "an operator should be here"),
        ("n = 1", 2, "an operator should be here"),
        ("n ==", 4, "a value should be here"),
        ("n == abc", 5, "abc is not a number"),
        ("n == 09", 5, "09 is not a number"),
        ("n == 1_0", 5, "1_0 is not a number"),
        ('n == "x', 5, "this quote is not closed"),
        ("!" * 5000, 100, "nested too deeply"),
        ("(n == 1", 0, "this ( is not closed"),
        ("n == 1)", 6, "a ) without its ("),
        ('name < "x"', 5, "< does not compare text"),
        ("name ~ 1", 7, "~ compares with a quoted pattern"),
        ("CPU < CPUS{1}", 4, "< does not compare sets of CPUs"),
        ("CPU == CPUS{3-1}", 7, "not a list of CPUs"),
        ("CPU == CPUS{0-999999999}", 7, "not a list of CPUs"),
        ("ip.function == vfs_read", 2, "ip. is for the kernel's own filters"),
    ],
)
def test_what_is_not_understood(expression, caret, message):
    with pytest.raises(UsageError) as error:
        Filter(expression)
    assert (error.value.excerpt, error.value.caret) == (expression, caret)
    assert error.value.message.startswith(message)


@pytest.mark.parametrize(
    ("expression", "caret", "message"),
    [
        ("n == 1 && name == 1", 10, "name is text"),
        ('n == "1"', 0, "n is a number"),
        ("array == 1", 0, "array is an array"),
    ],
)
def test_a_value_that_the_field_does_not_take(expression, caret, message):
    with pytest.raises(UsageError, match=message) as error:
        matched(expression)
    assert error.value.caret == caret


def test_a_field_that_no_event_has():
    fields = {"e": ["n"], "f": ["m"]}
    Filter("n == 1").check(fields)
    Filter('COMM == "x"').check(fields)
    with pytest.raises(UsageError, match="no event has a field k") as error:
        Filter("n == 1 || k == 1").check(fields)
    assert (error.value.caret, error.value.hint.split()[-2:]) == (10, ["m", "n"])
    with pytest.raises(UsageError, match="no event has all fields"):
        Filter("n == 1 || m == 1").check(fields)


def test_an_address_that_is_shown_as_a_symbol_is_a_number():
    part = batch("e", f=Strings.of(["vfs_read+0x0/0x10"]), addresses={"f": np.array([0xFFFF], np.uint64)})
    assert Filter("f == 0xffff").mask(part).tolist() == [True]


def test_quoted_values_are_compared_with_how_numbers_read():
    rows = batch(addr=np.array([[0, 1 << 56], [0, 0]], np.uint64), p=np.array([2, 17]))
    values = {"addr": Meaning("ip6"), "p": Meaning("enum", ((17, "IPPROTO_UDP"),))}
    for expression, expected in [
        ('addr == "::1"', [True, False]),
        ('addr != "::1"', [False, True]),
        ('p ~ "*UDP"', [False, True]),
        ("p == 2", [True, False]),
    ]:
        assert Filter(expression, values).mask(rows).tolist() == expected, expression


def test_an_events_own_field_comes_before_what_all_have():
    part = batch("sched_wakeup", comm="waker", pid=[1])
    part.columns["comm"] = Strings.of(["woken"])
    assert Filter('comm == "woken"').mask(part).all() and Filter('COMM == "waker"').mask(part).all()


@given(st.text(st.sampled_from("n()!&|=<>~ \"'1ax*CPUS{}-,")))
def test_any_text_is_a_filter_or_a_usage_error(text):
    try:
        Filter(text).mask(ROWS)
    except UsageError as error:
        assert error.excerpt == text


@given(st.text(st.sampled_from("ab*?[]!-\\^&")), st.text(st.sampled_from("ab-]")))
def test_any_glob(pattern, text):
    part = batch(name=Strings.of([text]))
    try:
        Filter(f'name ~ "{pattern}"').mask(part)
    except UsageError:
        pytest.fail("a glob is always understood")


@pytest.mark.parametrize("glob", ["*a*a*a*a*a*a*a*a*c", "!*?a*?a*?a*?a*?a*c", "*" * 5000 + "c"])
def test_no_name_makes_a_glob_slow(glob, tmp_path):
    assert key_of(Filters(tmp_path), f'comm ~ "{glob}"'.encode()) is None
