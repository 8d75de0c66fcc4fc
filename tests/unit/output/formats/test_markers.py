import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.output.formats.markers import Marker, parse_marker


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("B|12|draw", Marker("begin", 12, "draw")),
        ("B|12|a|b c\n", Marker("begin", 12, "a|b c")),
        ("B|12|", Marker("begin", 12, "")),
        ("E", Marker("end")),
        ("E|12", Marker("end", 12)),
        ("E|12|draw\n", Marker("end", 12)),
        ("E|", Marker("end")),
        ("S|12|load|7", Marker("start", 12, "load", cookie="7")),
        ("F|12|a|b|7", Marker("finish", 12, "a|b", cookie="7")),
        ("G|12|track|job|7", Marker("start", 12, "job", "track", "7")),
        ("H|12|track|7", Marker("finish", 12, "", "track", "7")),
        ("H|12|track|job|7", Marker("finish", 12, "", "track", "7")),
        ("I|12|tap", Marker("instant", 12, "tap")),
        ("N|12|track|tap", Marker("instant", 12, "tap", "track")),
        ("C|12|frames|3", Marker("counter", 12, "frames", value=3)),
        ("C|12|a|b|-3\n", Marker("counter", 12, "a|b", value=-3)),
        ("C|12|load|0.25", Marker("counter", 12, "load", value=0.25)),
        ("C||load|5", Marker("counter", 0, "load", value=5)),
        ("C|12|load|9223372036854775807", Marker("counter", 12, "load", value=(1 << 63) - 1)),
        ("C|12|load|18446744073709551615", Marker("counter", 12, "load", value=float((1 << 64) - 1))),
        ("C|12|load|-9223372036854775809", Marker("counter", 12, "load", value=float(-(1 << 63) - 1))),
        ("C|12|load|5|disabled-by-default-cc", Marker("counter", 12, "load", value=5)),
        ("C|12|a|b|-5|", Marker("counter", 12, "a|b", value=-5)),
    ],
)
def test_what_markers_mean(text: str, wanted: Marker) -> None:
    assert parse_marker(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "B", "B|12", "hello", "B |12|x", "Bx|12|y", "C|12|frames", "C|12|frames|many",
     "S|12|load", "G|12|job|7", "N|12|tap", "B|99999999999|x",
     "X|12|y",
     "C|12|x|nan", "C|12|x|1e5"],
)  # fmt: skip
def test_other_texts(text: str) -> None:
    assert parse_marker(text) is None


@given(st.text(alphabet="BESFCGHIN|0123456789.-x\n\0", max_size=40))
def test_any_text(text: str) -> None:
    marker = parse_marker(text)
    assert marker is None or marker.kind
