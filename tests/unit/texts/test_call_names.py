"""Functions of the ends of calls, in trace-cmd's text."""

from tests.unit.texts.reading import rows

HEAD = b"           sleep-%d  [001]   500.12345%d: "


def calls(*lines):
    text = b"".join(
        (line if line.startswith(b"CPU:") else HEAD % (1 + number % 2 * pair, number) + line) + b"\n"
        for number, (pair, line) in enumerate(lines)
    )
    found, reader = rows(text)
    assert reader.unparsed == 0
    return [row["fields"].get("func") for row in found if row.get("event") == "funcgraph_exit"]


A = b"funcgraph_entry:                   |  a() {"
B = b"funcgraph_entry:                   |    b() {"
LEAF = b"funcgraph_entry:        0.541 us   |    leaf();"
END_B = b"funcgraph_exit:         1.541 us   |    }"
END_A = b"funcgraph_exit:         2.541 us   |  }"


def test_names_of_open_calls():
    assert calls((0, A), (0, LEAF), (0, B), (0, END_B), (0, END_A)) == ["leaf", "b", "a"]


def test_names_that_are_said():
    assert calls((0, A), (0, END_A + b" /* x */")) == ["x"]


def test_no_name_is_made_up():
    assert calls((0, END_A), (0, A), (0, b"CPU:1 [12 EVENTS DROPPED]"), (0, END_A)) == ["", ""]
    assert calls((0, B), (0, A), (0, END_B)) == [""]


def test_each_task_has_its_own_calls():
    assert calls((1, A), (1, B), (1, END_A), (1, END_B)) == ["a", "b"]
