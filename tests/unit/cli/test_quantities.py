import pytest
import typer

from ktrace.cli.quantities import count, seconds, size


@pytest.mark.parametrize(
    ("text", "value"),
    [("10", 10), ("10s", 10), ("500ms", 0.5), ("2m", 120), ("1.5h", 5400), (".5", 0.5), (3, 3), (0.25, 0.25)],
)
def test_times(text, value):
    assert seconds()(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "10x", "inf", "nan", "1e30", "-1", "=-1", "1000000001", "9" * 5000]
)
def test_no_times(text):
    with pytest.raises(typer.BadParameter, match=r"is not a length of time|is too long"):
        seconds()(text)


def test_the_shortest_time():
    assert seconds(1)("1s") == 1
    with pytest.raises(typer.BadParameter, match=r"'999ms' is too short: 1 seconds or more"):
        seconds(1)("999ms")


@pytest.mark.parametrize(
    ("text", "kib"),
    [
        ("4096", 4096),
        (4096, 4096),
        ("512k", 512),
        ("4M", 4096),
        ("4MiB", 4096),
        ("1.5 m", 1536),
        ("1GB", 1 << 20),
        ("5000b", 5),
    ],
)
def test_sizes(text, kib):
    assert size("k", 4)(text) == kib


@pytest.mark.parametrize("text", ["", "M", "4X", "-4", "1e3", "3", "3072b", "9" * 39 + "G", "9" * 5000])
def test_no_sizes(text):
    with pytest.raises(typer.BadParameter, match=r"is not a size|is too small: 4 KiB or more|is too large"):
        size("k", 4)(text)


def test_sizes_in_other_units():
    assert size("b", 1)("1.5MiB") == 3 << 19 and size("b", 1)("1K") == 1024
    with pytest.raises(typer.BadParameter, match="'0' is too small: 1 bytes or more"):
        size("b", 1)("0")
    assert size("m", 256)("4G") == 4096 and size("m", 256)(2048) == 2048


@pytest.mark.parametrize(("text", "value"), [("1", 1), (500, 500), ("0x10", 16), ("1_000", 1000)])
def test_counts(text, value):
    assert count()(text) == value


@pytest.mark.parametrize("text", ["", "0", "-1", "=-1", "1.5", "many", str(1 << 63), "9" * 5000])
def test_no_counts(text):
    with pytest.raises(
        typer.BadParameter, match=r"is not a whole number|is too small: 1 or more|is too large"
    ):
        count()(text)


def test_zero_where_it_means_something():
    assert count(0)("0") == 0
