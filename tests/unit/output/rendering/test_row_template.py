import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ktrace.output.rendering.row_template import Row


def lines(row):
    return list(row.lines())


def test_literals_alone():
    row = Row(2)
    row.literal("100%")
    row.literal("\n")
    assert lines(row) == ["100%\n"] * 2
    assert row.text() == "100%\n" * 2


def test_parts_stand_in_their_order():
    row = Row(3)
    row.choices(["a", "b%"], np.array([0, 1, 0]))
    row.literal("=")
    row.choices(["x", "y", "z"], np.array([2, 2, 0]))
    row.literal(";")
    row.numbers(np.array([1, 10**6, -5]))
    row.texts(["p", "%d", "r"])
    row.choices(["."], np.array([0, 0, 0]))
    assert lines(row) == ["a=z;1p.", "b%=z;1000000%d.", "a=x;-5r."]


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 3), min_size=1, max_size=60))
def test_any_combination_of_choices(rows):
    row = Row(len(rows))
    texts = [f"<{i}>" for i in range(41)]
    for column in np.array(rows).T:
        row.choices(texts, column)
        row.literal(" ")
    assert lines(row) == ["".join(f"<{i}> " for i in values) for values in rows]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1) | st.lists(st.integers(-4, 4), min_size=1))
def test_any_numbers(numbers):
    row = Row(len(numbers))
    row.numbers(np.array(numbers, np.int64))
    row.literal("\n")
    assert lines(row) == [f"{n}\n" for n in numbers]
