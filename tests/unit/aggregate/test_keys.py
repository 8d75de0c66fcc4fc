"""Turn words to count by into the kernel's keys, and keys back into what is shown."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.aggregate.hist import Hist, Term
from ktrace.aggregate.keys import ANY, Fields, Linear, Part, counter
from ktrace.errors import NotFound, UsageError
from ktrace.model.format import Field, Format
from ktrace.model.tally import Range, Row, Symbol, Tally, Task, merge

FORM = Format(
    "g",
    "e",
    1,
    (
        Field("common_pid", "int", 4, 4, True),
        Field("__probe_ip", "unsigned long", 8, 8, False),
        Field("n", "u64", 16, 8, False),
        Field("ret", "s64", 24, 8, True),
        Field("path", "char", 32, 4, True, "data_loc"),
        Field("func", "u64", 36, 8, False),
    ),
    '"(%lx) n=%Lu ret=%Ld path=\\"%s\\" func=%pS", REC->__probe_ip',
)
FIELDS = Fields(FORM, "ktrace_comm", "stacktrace")


def test_words_that_every_event_has() -> None:
    assert FIELDS.part("comm").term == Term("ktrace_comm")
    assert FIELDS.part("pid").term == Term("common_pid")
    assert FIELDS.part("cpu").term == Term("common_cpu")
    assert FIELDS.part("stack").term == Term("stacktrace")


def test_the_name_of_a_task_without_a_field_for_it() -> None:
    part = Fields(FORM).part("comm")
    assert part.term == Term("common_pid", "execname") and part.show(Task(7, "dd")) == "dd"


def test_numbers_that_are_signed_symbols_and_text() -> None:
    assert FIELDS.part("ret").show((1 << 64) - 11) == -11 and FIELDS.part("n").show((1 << 64) - 11) > 0
    func = FIELDS.part("func")
    assert func.term == Term("func", "sym") and func.show(Symbol(1, "vfs_read")) == "vfs_read"
    assert FIELDS.part("path").show("/etc") == "/etc"
    assert FIELDS.part("n.hex").term == Term("n", "hex")


def test_a_field_that_is_not_there() -> None:
    with pytest.raises(NotFound, match="no field 'm'") as caught:
        FIELDS.part("m")
    assert "n ret path func" in (caught.value.hint or "")
    with pytest.raises(NotFound, match="no field 'pth'") as caught:
        FIELDS.part("pth")
    assert (caught.value.hint or "").startswith("did you mean path?\n")


def test_powers_of_two_with_negative_numbers_by_themselves() -> None:
    (part, condition), (negative, below) = FIELDS.distribution("ret", None)
    assert (part.term, condition, below) == (Term("ret", "log2"), "ret >= 0", "ret < 0")
    assert negative.show((1 << 64) - 11) == Range(-11, -11)
    assert [(p.term, c) for p, c in FIELDS.distribution("n", None)] == [(Term("n", "log2"), None)]
    assert [p.term for p, _ in FIELDS.distribution("path", None)] == [Term("path")]


@pytest.mark.parametrize("text", ["1", "1:2", "a:b:c", "5:5:1", "0:9:0", "0:9:-1", "1:2:3:4"])
def test_steps_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        Linear.parse(text)


def test_text_has_no_steps() -> None:
    with pytest.raises(UsageError, match="not a number"):
        FIELDS.distribution("path", Linear(0, 9, 3))


def holds(condition: str | None, value: int) -> bool:
    text = (condition or "True").replace("&&", "and").replace("ret", str(value)).replace("n ", f"{value} ")
    return bool(eval(text))


def counted_by_the_kernel(term: Term, value: int) -> object:
    """The key that the kernel prints: it knows unsigned numbers alone."""
    unsigned = value & ((1 << 64) - 1)
    if term == ANY:
        return 314
    if term.modifier == "buckets":
        low = unsigned - unsigned % term.width
        return Range(low, low + term.width - 1)
    return unsigned


@given(
    st.integers(-100, 100),
    st.integers(1, 120),
    st.integers(1, 30),
    st.lists(st.integers(-300, 300), max_size=40),
)
def test_each_value_is_in_its_step_and_in_one_histogram(low: int, span: int, step: int, values: list) -> None:
    linear = Linear(low, low + span, step)
    for name in ("ret", "n"):
        ways = FIELDS.distribution(name, linear)
        for value in values:
            if name == "n" and value < 0:
                continue
            shown = [
                part.show(counted_by_the_kernel(part.term, value))
                for part, condition in ways
                if holds(condition, value)
            ]
            assert shown == [linear.place(value)] and value in shown[0]


def test_a_counter_names_its_event_where_the_kernel_need_not() -> None:
    made = counter("g/e", [FIELDS.part("ret")], Hist((), filter="n > 1"), label="vfs_read")
    assert made.hist.to_text() == "hist:keys=ret:size=2048 if n > 1"
    tally = Tally(("ret",), (Row(((1 << 64) - 1,), 3),))
    assert merge(("function", "ret"), [tally], made.rekey).rows == (Row(("vfs_read", -1), 3),)


def test_a_counter_of_some_functions_of_an_event() -> None:
    part = Part("function", Term("__probe_ip", "sym"), lambda key: getattr(key, "name", key))
    made = replace(counter("g/e", [part], Hist(())), functions=frozenset({"vfs_read", "ext4_read"}))
    hits = {"vfs_read": 3, "vfs_readv": 4, "ext4_read [ext4]": 5}
    rows = [Row((Symbol(n, name),), count) for n, (name, count) in enumerate(hits.items())]
    shown = made.show(("function",), Tally(("function",), tuple(rows), dropped=2))
    assert shown.rows == (Row(("vfs_read",), 3), Row(("ext4_read [ext4]",), 5)) and shown.dropped == 2


def test_a_counter_by_nothing() -> None:
    made = counter("g/e", [], Hist(()), label="vfs_read", hidden=ANY)
    assert made.hist.keys == (ANY,) and made.rekey((314,)) == ("vfs_read",)


def test_more_keys_than_the_kernel_takes() -> None:
    with pytest.raises(UsageError, match="3 keys"):
        counter("g/e", [FIELDS.part(w) for w in ("comm", "pid", "cpu", "n")], Hist(()))
