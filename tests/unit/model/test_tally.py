"""Tallies: adding up, and order."""

from ktrace.model.tally import Range, Row, Symbol, Syscall, Tally, Task, merge


def test_rows_of_one_key_are_added_up() -> None:
    first = Tally(("a", "b"), (Row(("x", 1), 2, (10,)), Row(("x", 2), 3, (5,))), ("n",), dropped=1)
    second = Tally(("a", "b"), (Row(("y", 1), 1, (1,)),), ("n",), dropped=2)
    merged = merge(("a",), [first, second], lambda key: key[:1])
    assert merged == Tally(("a",), (Row(("x",), 5, (15,)), Row(("y",), 1, (1,))), ("n",), 3)
    assert merged.count == 6
    assert merge(("a",), []) == Tally(("a",))


def test_the_largest_count_first_then_by_key() -> None:
    tally = Tally(("k",), (Row(("b",), 1), Row(("a",), 1), Row((7,), 9)))
    assert [row.key for row in tally.largest_first()] == [(7,), ("a",), ("b",)]


def test_keys_of_all_kinds_have_an_order() -> None:
    keys = [
        Range(None, -1), 0, Range(1, 1), Syscall(3, "x"), Range(4, None), "a",
        Task(3, "b"), Symbol(9, "f"), ("f", "g"),
    ]  # fmt: skip
    tally = Tally(("k",), tuple(Row((key,), 1) for key in reversed(keys)))
    assert [row.key[0] for row in tally.by_key()] == [
        Range(None, -1), 0, Range(1, 1), Syscall(3, "x"), Range(4, None), "a",
        Task(3, "b"), Symbol(9, "f"), ("f", "g"),
    ]  # fmt: skip


def test_what_is_in_a_range() -> None:
    assert 3 in Range(3, 4) and 5 not in Range(3, 4) and 2 not in Range(3, 4)
    assert -(10**9) in Range(None, -1) and 0 not in Range(None, -1) and 10**9 in Range(5, None)
