import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.output.terminal.table import render_table, terminal_width

WORDS = st.text("ab\u00e9 ", max_size=30)


def test_columns_are_aligned():
    assert render_table(
        ("EVENT", "HITS", "WHAT"), [("a", "1", "x"), ("long/name", "1000", "y z")], right=(1,)
    ) == ("EVENT      HITS  WHAT\na             1  x\nlong/name  1000  y z\n")


def test_without_rows_the_header_remains():
    assert render_table(("A", "B"), []) == "A  B\n"


def test_no_blanks_at_the_end_of_a_line():
    assert render_table(("A", "B"), [("a", "")]) == "A  B\na\n"


def test_cells_are_made_safe():
    assert render_table(("A", "B"), [("\x1b[2J", "b\nc")]) == "A        B\n\\x1b[2J  b\\nc\n"


def test_long_lines_go_on_below_their_last_column():
    assert render_table(("A", "B"), [("abc", "one two three four")], width=15) == (
        "A    B\nabc  one two\n     three four\n"
    )


def test_where_the_last_column_begins_far_right_they_go_on_near_the_left():
    assert render_table(("A", "B"), [("a" * 12, "one two three")], width=20) == (
        "A             B\naaaaaaaaaaaa  one\n    two three\n"
    )


def test_what_has_no_blank_is_not_cut():
    line = "x" * 50
    assert line in render_table(("A", "B"), [("a", line)], width=20)


def test_exactly_as_wide_as_the_terminal():
    assert render_table(("A", "B"), [("a", "bbb bbb")], width=10) == "A  B\na  bbb bbb\n"
    assert render_table(("A", "B"), [("a", "bbb bbb")], width=9) == "A  B\na  bbb\n   bbb\n"


@given(
    st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=5),
    st.none() | st.integers(1, 60),
    st.sets(st.integers(0, 1)).map(tuple),
)
def test_nothing_is_cut_off(rows, width, right):
    text = render_table(("A", "B", "C"), rows, right=right, width=width)
    assert text.endswith("\n")
    assert "".join(text.split()) == "ABC" + "".join("".join(row).replace(" ", "") for row in rows)


@given(st.lists(st.text("abc ", max_size=60), min_size=1, max_size=3), st.integers(20, 60))
def test_no_line_is_wider_than_asked_where_there_are_blanks(cells, width):
    words = [" ".join(word[:8] for word in cell.split()) for cell in cells]
    for line in render_table(("A", "B"), [("name", cell) for cell in words], width=width).splitlines():
        assert len(line) <= width


@pytest.mark.parametrize(("is_terminal", "width"), [(True, 123), (False, None)])
def test_terminal_width(monkeypatch, is_terminal, width):
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal, raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((123, 40)))
    assert terminal_width() == width
