"""The live table."""

import pytest

from ktrace.model.tally import Row, Tally
from ktrace.output.views.top import TopTable


def tally(**counts: int) -> Tally:
    return Tally(("function",), tuple(Row((name,), count) for name, count in counts.items()))


def rows(table: TopTable) -> list[str]:
    lines, _ = table.lines(80, 24)
    return [line.split()[-1] for line in lines[2:-1] if line]


def test_rates_and_sorting() -> None:
    table = TopTable("vfs_*", ascii_only=True)
    table.take(tally(a=100, b=10), 1.0)
    table.take(tally(a=110, b=60, c=5), 2.0)
    lines, marked = table.lines(80, 24)
    assert lines[0] == "vfs_*: 175 hits, 65/s, by rate, 2 s" and len(lines) == 24
    assert rows(table) == ["b", "a", "c"] and marked == 2
    table.press("s")
    assert rows(table) == ["a", "b", "c"]
    table.press("s")
    assert rows(table) == ["a", "b", "c"]
    assert max(map(len, lines)) <= 80


def test_the_titles_own_name_is_not_repeated_in_every_row() -> None:
    table = TopTable("a:b", ascii_only=True)
    both = (Row(("a:b", "sys_read"), 2), Row(("a:b", "sys_write"), 1))
    table.take(Tally(("function", "id.syscall"), both), 1.0)
    assert "FUNCTION" not in table.lines(80, 24)[0][1] and rows(table) == ["sys_read", "sys_write"]
    assert "a:b" not in " ".join(table.lines(80, 24)[0][1:])
    table.take(Tally(("function", "id.syscall"), (*both, Row(("c:d", "sys_read"), 1))), 2.0)
    assert "FUNCTION" in table.lines(80, 24)[0][1]
    assert table.lines(80, 24)[0][3].endswith(" a:b  sys_read")


def test_what_is_no_longer_hit_stays_with_a_rate_of_none() -> None:
    table = TopTable("x", ascii_only=True)
    table.take(tally(a=100), 1.0)
    table.take(tally(), 2.0)
    assert "       0        100" in table.lines(80, 24)[0][2]


def many(**more: int) -> Tally:
    return tally(**{f"f{n:02}": 100 - n for n in range(50)}, **more)


def test_a_key_moves_the_row_and_the_view() -> None:
    table = TopTable("x")
    table.take(many(), 1.0)
    for _ in range(30):
        table.lines(80, 24)
        table.press("down")
    lines, marked = table.lines(80, 24)
    assert table.chosen == ("f30",) and marked is not None and lines[marked].startswith(">")
    assert lines[marked].endswith("f30")
    table.press("up")
    assert table.chosen == ("f29",)
    table.press("page up")
    lines, marked = table.lines(80, 24)
    assert table.chosen == ("f08",) and marked == 2 and lines[2].endswith("f08")
    table.press("end")
    assert table.chosen == ("f49",) and rows(table)[-1] == "f49"
    table.press("home")
    assert table.chosen == ("f00",) and rows(table)[0] == "f00"
    table.press("up")
    assert table.chosen == ("f00",)


def test_without_a_key_the_busiest_rows_stay_in_sight_and_the_first_is_selected() -> None:
    table = TopTable("x")
    table.take(tally(old=1), 1.0)
    assert table.lines(80, 24)[1] == 2 and table.chosen == ("old",)
    table.take(many(old=1), 2.0)
    lines, marked = table.lines(80, 24)
    assert rows(table)[0] == "f00" and marked == 2 and table.chosen == ("f00",)
    assert "old" not in "".join(lines)


def test_a_row_that_a_key_selected_stays_selected_and_the_view_does_not_follow_it() -> None:
    table = TopTable("x")
    table.take(tally(a=2, b=1), 1.0)
    table.lines(80, 24)
    table.press("down")
    table.take(many(a=2, b=1), 2.0)
    lines, marked = table.lines(80, 24)
    assert rows(table)[0] == "f00" and table.chosen == ("b",) and marked is None
    assert lines[-1].startswith("the selected row is row 52 now")
    table.press("up")
    lines, marked = table.lines(80, 24)
    assert table.chosen == ("a",) and marked is not None and lines[marked].startswith("> ")


def test_hits_go_on_after_another_view() -> None:
    table = TopTable("x")
    table.take(tally(a=100, b=7), 2.0)
    table.restart()
    assert rows(table) == ["a", "b"]
    table.take(tally(a=20), 1.0)
    lines, _ = table.lines(80, 24)
    assert lines[0] == "x: 127 hits, 20/s, by rate, 3 s"
    table.take(tally(a=30, b=1), 2.0)
    table.restart()
    table.take(tally(c=1), 0.5)
    assert table.lines(80, 24)[0][0] == "x: 139 hits, 2/s, by rate, 4 s"


def test_a_filter_is_typed_and_removed() -> None:
    table = TopTable("x")
    table.take(tally(vfs_read=3, vfs_write=2, ksys_read=1), 1.0)
    for key in ("/", "r", "q", "backspace", "E", "a"):
        assert table.press(key) == ""
    lines, _ = table.lines(80, 24)
    assert lines[-1] == "/rEa_  enter keep  escape all rows" and rows(table) == ["vfs_read", "ksys_read"]
    table.press("enter")
    lines, _ = table.lines(80, 24)
    assert lines[0].startswith("x: 4 hits, 4/s, by rate, 1 s, only 'rEa'") and lines[-1].startswith("q quit")
    assert table.press("q") == "quit"
    table.press("escape")
    assert rows(table) == ["vfs_read", "vfs_write", "ksys_read"]


def test_the_help_has_every_key_and_the_notes() -> None:
    table = TopTable("x")
    table.take(tally(a=1), 1.0)
    table.notes += ["b was \x1b refused", "b was \x1b refused"]
    assert table.lines(80, 24)[0][0].endswith(", 1 note: ?")
    table.press("?")
    lines, marked = table.lines(80, 24)
    assert marked is None and max(map(len, lines)) <= 80 and len(lines) <= 24
    for key in ("q ", "?", "/", "s ", "p, space", "up, down, k, j", "home, g", "end, G", "enter", "l "):
        assert any(line.startswith(f"  {key}") for line in lines), key
    assert [line for line in lines if "refused" in line] == ["  b was \\x1b refused"]
    assert table.press("q") == "" and table.lines(80, 24)[0][0].startswith("x: ")


@pytest.mark.parametrize(("columns", "rows_"), [(80, 24), (120, 40)])
def test_the_keys_are_shown_whole(columns: int, rows_: int) -> None:
    table = TopTable("x" * 100)
    table.take(many(), 1.0)
    lines, _ = table.lines(columns, rows_)
    assert lines[-1] == "q quit  ? help  / filter  s sort  p pause  up/down row  enter stacks  l latency"
    assert lines[0].endswith("...: 3775 hits, 3775/s, by rate, 1 s") and len(lines[0]) <= columns


def test_a_narrow_window_shows_fewer_keys() -> None:
    table = TopTable("x")
    assert table.lines(60, 24)[0][-1] == "q quit  ? help  / filter  s sort  p pause  up/down row"
    assert table.lines(22, 24)[0][-1] == "q quit  ? help"


def test_keys_that_need_a_row_do_nothing_without_one() -> None:
    table = TopTable("x")
    assert [table.press(key) for key in ("enter", "l", "down", "end", "home")] == [""] * 5
    table.take(tally(a=1), 1.0)
    assert [table.press(key) for key in ("enter", "l")] == ["stacks", "latency"]


def test_a_pause_keeps_what_is_shown() -> None:
    table = TopTable("x")
    table.take(tally(a=1), 1.0)
    table.press("space")
    table.take(tally(a=100), 2.0)
    assert "1 hits" in table.lines(80, 24)[0][0] and "paused" in table.lines(80, 24)[0][0]
    table.press("p")
    table.take(tally(a=100), 3.0)
    assert "100 hits" in table.lines(80, 24)[0][0]


def test_names_are_harmless_and_cut_to_the_terminal() -> None:
    table = TopTable("x" * 100)
    table.take(tally(**{"f\x1b" + "y" * 100: 3}), 1.0)
    lines, _ = table.lines(40, 10)
    assert len(lines) == 10 and all(len(line) <= 40 and "\x1b" not in line for line in lines)
