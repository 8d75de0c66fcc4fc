"""The file `hist`, as kernels printed it, and as any rows would be printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.aggregate.hist import HITCOUNT, Term, off
from ktrace.aggregate.hist_file import log2_range, parse_hist, terms_of
from ktrace.errors import Damaged
from ktrace.model.tally import Range, Row, Symbol, Syscall, Task
from tests.unit.aggregate.hist_writer import write_hist

U64 = st.integers(0, 2**64 - 1)
NAME = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF),
    min_size=1,
    max_size=15,
).filter(lambda s: len(s.encode("utf-8", "surrogateescape")) <= 15 and s == s.rstrip(" "))
FRAME = st.from_regex(r"\A[a-z_][a-z0-9_.]{0,20}\+0x[0-9a-f]{1,3}/0x[0-9a-f]{1,4}\Z")

KEYS = st.one_of(
    st.tuples(st.just(Term("n")), U64),
    st.tuples(st.just(Term("n", "hex")), U64),
    st.tuples(st.just(Term("ts", "usecs")), U64),
    st.tuples(st.just(Term("n", "log2")), st.integers(0, 63).map(log2_range)),
    st.tuples(
        st.just(Term("n", "buckets", 7)), st.integers(0, 2**60).map(lambda i: Range(i * 7, i * 7 + 6))
    ),
    st.tuples(st.just(Term("ip", "sym")), st.builds(Symbol, U64, st.just("vfs_read"))),
    st.tuples(st.just(Term("ip", "sym-offset")), st.builds(Symbol, U64, FRAME)),
    st.tuples(st.just(Term("id", "syscall")), st.builds(Syscall, st.integers(0, 999), st.just("sys_open"))),
    st.tuples(st.just(Term("common_pid", "execname")), st.builds(Task, st.integers(0, 2**22), NAME)),
    st.tuples(st.just(Term("comm")), NAME),
    st.tuples(st.just(Term("common_cpu")), st.integers(0, 4095)),
    st.tuples(st.just(Term("common_stacktrace")), st.lists(FRAME, min_size=1, max_size=5).map(tuple)),
)  # fmt: skip
VALUES = st.sampled_from(
    [[], [Term("n")], [Term("n", "hex")], [Term("n", "percent")], [Term("n", "graph"), Term("m")]]
)


@st.composite
def histograms(draw: st.DrawFn) -> tuple[list[Term], list[Term], list]:
    drawn = draw(st.lists(KEYS, min_size=1, max_size=3, unique_by=lambda k: k[0].field))
    keys = [term for term, _ in drawn]
    values = [Term(HITCOUNT), *draw(VALUES)]
    rows = [([key for _, key in drawn], [draw(st.integers(1, 2**63)) for _ in values])]
    return keys, values, rows


@given(st.lists(histograms(), min_size=1, max_size=3), st.integers(0, 10**6))
def test_what_is_printed_is_read_back(many: list, dropped: int) -> None:
    text = "\n\n".join(write_hist(*one, dropped=dropped) for one in many)
    tables = parse_hist(text)
    assert len(tables) == len(many)
    for table, (keys, values, rows) in zip(tables, many, strict=True):
        key, (count, *others) = rows[0]
        sums = tuple(
            n for v, n in zip(values[1:], others, strict=True) if v.modifier not in ("percent", "graph")
        )
        assert table.tally.rows == (Row(tuple(key), count, sums),)
        assert table.tally.names == tuple(k.field for k in keys)
        assert table.tally.dropped == dropped
        assert table.hits == count


FROM_6_12 = """\
# event histogram
#
# trigger info: hist:keys=common_pid.execname,n.buckets=128:vals=hitcount,n.hex:size=2048 [active]
#

{ common_pid: cat             [       185], n: ~ 1152-1279 } hitcount:          1  n:        500
{ common_pid: a{} , b: c
} h  [       182], n: ~ 4096-4223 } hitcount:          2  n:       2000

Totals:
    Hits: 84
    Entries: 27
    Dropped: 3


# event histogram
#
# trigger info: hist:keys=common_stacktrace,comm:vals=hitcount:sort=hitcount:size=2048 if n > 3 [paused]
#

{ common_stacktrace:
         vfs_read+0x9/0x370
         0xffffffffc031e0de
, comm: a{} , b: c
} h                                    } hitcount:          2
{ common_stacktrace:
         vfs_read+0x9/0x370
, comm: awk                                               } hitcount:          1

Totals:
    Hits: 3
    Entries: 2
    Dropped: 0


# event histogram
#
# trigger info: hist:keys=n:vals=n:sort=hitcount:size=2048:nohitcount if n > 4096 [active]
#

{ n:       8192 }  n:      32768

Totals:
    Hits: 23
    Entries: 3
    Dropped: 0


# event histogram
#
# trigger info: hist:keys=n+1:vals=hitcount,n-1:sort=hitcount:size=2048 [active]
#


Totals:
    Hits: 0
    Entries: 0
    Dropped: 0
"""


def test_what_a_kernel_printed() -> None:
    first, stacks, bare, empty = parse_hist(FROM_6_12)
    assert first.tally.rows == (
        Row((Task(185, "cat"), Range(1152, 1279)), 1, (0x500,)),
        Row((Task(182, "a{} , b: c\n} h"), Range(4096, 4223)), 2, (8192,)),
    )
    assert first.tally.dropped == 3 and first.tally.summed == ("n",) and not first.paused
    frames = ("vfs_read+0x9/0x370", "0xffffffffc031e0de")
    assert [row.key for row in stacks.tally.rows] == [(frames, "a{} , b: c\n} h"), (frames[:1], "awk")]
    assert stacks.paused
    assert bare.tally.rows == (Row((8192,), 0, (32768,)),)
    assert empty.tally.rows == () and empty.hits == 0


def test_what_onmax_adds_is_passed_over() -> None:
    text = write_hist([Term("n")], [Term(HITCOUNT)], [([5], [1]), ([6], [2])])
    text = text.replace("hitcount:          1\n", "hitcount:          1\n\tmax:       8192  f: 7\n")
    text = text.replace(
        "\nTotals", "\nSnapshot taken (see tracing/snapshot).  Details:\n\ttriggering value\n\nTotals"
    )
    (table,) = parse_hist(text)
    assert [row.key for row in table.tally.rows] == [(5,), (6,)]


def test_a_string_longer_than_its_column() -> None:
    long = "x" * 70 + " } hitcoun"
    (table,) = parse_hist(write_hist([Term("f"), Term("n")], [Term(HITCOUNT)], [([long, 5], [1])]))
    assert table.tally.rows[0].key == (long, 5)


def test_a_string_of_digits_is_a_string() -> None:
    (table,) = parse_hist(write_hist([Term("comm")], [Term(HITCOUNT)], [(["12"], [1])]))
    assert table.tally.rows[0].key == ("12",)


@pytest.mark.parametrize(("exponent", "low", "high"), [(0, 0, 1), (1, 2, 2), (2, 3, 4), (12, 2049, 4096)])
def test_powers_of_two_are_the_upper_end(exponent: int, low: int, high: int) -> None:
    assert log2_range(exponent) == Range(low, high)


@pytest.mark.parametrize("cut", [0, 30, 120, 160, 180])
def test_damage_says_where(cut: int) -> None:
    text = write_hist([Term("n", "log2")], [Term(HITCOUNT)], [([Range(3, 4)], [1])])
    with pytest.raises(Damaged, match="offset"):
        parse_hist(text[:cut] + "?" + text[cut + 2 :], "events/a/b/hist")


def test_nothing_is_no_histogram() -> None:
    assert parse_hist("") == []


def test_terms_of_a_trigger_with_a_filter_behind_nohitcount() -> None:
    keys, values = terms_of("hist:keys=n.log2,c:vals=hitcount,n:sort=hitcount:size=2048:nohitcount if n > 1")
    assert keys == (Term("n", "log2"), Term("c")) and values == (Term("n"),)


@pytest.mark.parametrize("printed", ["common_cpu", "cpu", "common_cpucommon_cpu"])
@pytest.mark.parametrize("shown", ["common_cpu", "cpu"])
@pytest.mark.parametrize("first", [True, False])
def test_a_field_that_goes_by_two_names(printed: str, shown: str, first: bool) -> None:
    keys = [Term(printed), Term("n")] if first else [Term("n"), Term(printed)]
    text = write_hist(keys, [Term(HITCOUNT)], [([1, 2], [3])])
    text = text.replace(f" {printed}:", f" {shown}:")
    (table,) = parse_hist(text)
    assert table.tally.rows == (Row((1, 2), 3),)
    assert set(table.tally.names) == {"common_cpu", "n"}


def test_a_key_that_a_kernel_prints_twice() -> None:
    """Linux 7.3, in the trigger alone."""
    text = (
        "# event histogram\n#\n"
        "# trigger info: hist:keys=common_cpucommon_cpu,f0:vals=hitcount:size=4096 [active]\n#\n\n"
        "{ common_cpu:          1, f0:        832 } hitcount:          3\n"
        "\nTotals:\n    Hits: 3\n    Entries: 1\n    Dropped: 0\n"
    )
    (table,) = parse_hist(text)
    assert table.tally.names == ("common_cpu", "f0")
    assert table.tally.rows == (Row((1, 832), 3),)
    assert off("hist:keys=common_cpucommon_cpu:vals=hitcount:size=128 [paused]") == (
        "!hist:keys=common_cpu:vals=hitcount:size=128"
    )
