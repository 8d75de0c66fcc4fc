"""Distributions, drawn."""

from ktrace.model.tally import Range, Row, Tally
from ktrace.output.views.histogram import histogram_text, nanoseconds


def test_empty_powers_between_two_are_shown() -> None:
    tally = Tally(("n",), (Row((Range(0, 1),), 4), Row((Range(5, 8),), 2), Row((Range(-11, -11),), 1)))
    assert histogram_text(tally, ascii_only=True) == (
        "    N  HITS\n"
        "  -11     1  |##########                              |\n"
        "0 - 1     4  |########################################|\n"
        "    2     0  |                                        |\n"
        "3 - 4     0  |                                        |\n"
        "5 - 8     2  |####################                    |\n"
    )


def test_a_drawing_for_each_key_the_busiest_first() -> None:
    tally = Tally(
        ("comm", "n"),
        (
            Row(("a", Range(0, 9)), 1, (5,)),
            Row(("b\x1b", Range(0, 9)), 8, (9,)),
            Row(("a", Range(10, None)), 1, (4,)),
        ),
        ("n",),
    )
    text = histogram_text(tally)
    assert text.index("comm b\\x1b") < text.index("comm a")
    assert "0 - 9     8       9  |████████████████████████████████████████|" in text
    assert ">= 10" in text and "SUM(n)" in text


def test_stacks_stand_below_their_counts() -> None:
    tally = Tally(("stack",), (Row((("f", "g\x1b"),), 4), Row((("h",),), 2)))
    assert histogram_text(tally, ascii_only=True) == (
        "STACK  HITS\n"
        "          4  |########################################|\n"
        "    f\n"
        "    g\\x1b\n"
        "          2  |####################                    |\n"
        "    h\n"
    )


def test_times() -> None:
    assert [*map(nanoseconds, (0, 999, 1024, 1_048_576, 33_554_432, 1 << 30, 1 << 43))] == [
        "0 ns", "999 ns", "1.02 us", "1.05 ms", "33.6 ms", "1.07 s", "8796 s",
    ]  # fmt: skip
    tally = Tally(
        ("t",), (Row((Range(1025, 2048),), 1), Row((Range(1 << 20, None),), 1), Row((Range(None, 9),), 1))
    )
    text = histogram_text(tally, unit=nanoseconds, fill=False)
    assert "1.02 us - 2.05 us" in text and ">= 1.05 ms" in text and "< 10 ns" in text
