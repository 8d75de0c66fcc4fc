"""The spelling of hist triggers."""

import pytest

from ktrace.aggregate.hist import Hist, Term, both, off, removal_order, round_size
from ktrace.errors import UsageError


def test_all_parts_in_the_kernels_order() -> None:
    hist = Hist(
        keys=(Term("common_pid", "execname"), Term("n", "buckets", 128)),
        values=(Term("n", "hex"),),
        variables=(("ts0", "common_timestamp"), ("a", "n")),
        sort=((Term("hitcount"), True), (Term("n"), False)),
        size=512,
        name="calls",
        clock="mono",
        actions=("onmatch(g.e).trace(s,$ts0)",),
        filter="n > 3",
    )
    assert hist.to_text() == (
        "hist:name=calls:keys=common_pid.execname,n.buckets=128:vals=hitcount,n.hex:ts0=common_timestamp,a=n"
        ":sort=hitcount.descending,n.ascending:size=512:clock=mono:onmatch(g.e).trace(s,$ts0) if n > 3"
    )


def test_the_step_is_taken_back_in_the_same_words() -> None:
    step = Hist((Term("n"),), filter="n > 3").step("g/e", "count n")
    assert step.path == "events/g/e/trigger" and step.text == "hist:keys=n:size=2048 if n > 3"
    assert step.undo is not None and step.undo.text == "!" + step.text and step.undo.path == step.path


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("n", Term("n")),
        ("n.sym-offset", Term("n", "sym-offset")),
        ("n.buckets=12", Term("n", "buckets", 12)),
        ("n.other", Term("n.other")),
        ("n+1", Term("n+1")),
    ],
)
def test_a_term_is_read_back(text: str, term: Term) -> None:
    assert Term.parse(text) == term and term.to_text() == text


@pytest.mark.parametrize(
    "hist",
    [
        Hist(()),
        Hist((Term("a"),) * 4),
        Hist((Term("a"),), values=(Term("b"),) * 3),
        Hist((Term("a"),), size=64),
        Hist((Term("a"),), size=1 << 20),
    ],
)
def test_what_the_kernel_refuses_without_a_word(hist: Hist) -> None:
    with pytest.raises(UsageError):
        hist.checked()


@pytest.mark.parametrize(("entries", "size"), [(0, 128), (129, 256), (256, 256), (1 << 30, 131072)])
def test_sizes_are_powers_of_two(entries: int, size: int) -> None:
    assert round_size(entries) == size


def test_filters_that_both_hold() -> None:
    assert both(None, "") is None
    assert both(None, "a > 1 || b") == "a > 1 || b"
    assert both("a || b", "c") == "(a || b) && (c)"


def test_who_uses_variables_goes_before_who_has_them() -> None:
    entry = ("g/e", "hist:keys=common_pid:vals=hitcount:ts0=common_timestamp:size=2048 [active]")
    end = (
        "g/r",
        "hist:keys=common_pid:vals=hitcount:lat=common_timestamp-$ts0:onmatch(g.e).trace(s,$lat) [active]",
    )
    assert removal_order([entry, end]) == [end, entry]
    assert off(entry[1]) == "!hist:keys=common_pid:vals=hitcount:ts0=common_timestamp:size=2048"


def test_a_key_that_one_kernel_prints_twice_in_a_word_is_taken_off() -> None:
    printed = "hist:keys=common_pid,common_cpucommon_cpu:vals=hitcount:sort=hitcount:size=2048 [active]"
    assert off(printed) == "!hist:keys=common_pid,common_cpu:vals=hitcount:sort=hitcount:size=2048"
