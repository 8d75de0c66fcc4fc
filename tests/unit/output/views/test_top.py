"""The live table."""

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


def test_the_chosen_row_moves_and_is_always_shown() -> None:
    table = TopTable("x")
    table.take(tally(**{f"f{n:02}": 100 - n for n in range(50)}), 1.0)
    for _ in range(30):
        table.lines(80, 24)
        table.press("down")
    lines, marked = table.lines(80, 24)
    assert table.chosen == ("f30",) and marked is not None and lines[marked].startswith(">")
    assert lines[marked].endswith("f30")
    table.press("up")
    assert table.chosen == ("f29",)


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
