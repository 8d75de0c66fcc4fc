import pytest

from ktrace.errors import UsageError
from ktrace.model.duration import parse_duration


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("5ns", 5),
        ("50us", 50_000),
        ("50µs", 50_000),
        ("10ms", 10_000_000),
        ("1.5s", 1_500_000_000),
        ("0.1 us", 100),
        (".25ms", 250_000),
        ("0.0001us", 0),
        ("1 m", 60_000_000_000),
        ("1.5min", 90_000_000_000),
        ("2h", 7_200_000_000_000),
        ("1d", 86_400_000_000_000),
        ("12345678901s", 12_345_678_901_000_000_000),
    ],
)
def test_a_number_and_its_unit(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "10", "ms", "-1ms", "1w", "1M", "1.2.3s", "1e3s", "10ms5us"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="not a length of time"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["9" * 5000 + "s", "\u0661ms", "1." + "1" * 5000 + "s"])
def test_digits_that_no_duration_has(text: str) -> None:
    with pytest.raises(UsageError):
        parse_duration(text)


def test_a_unit_for_numbers_without_one() -> None:
    assert parse_duration("10", "s") == parse_duration("10s") == parse_duration("10s", "ms")
    with pytest.raises(UsageError, match="not a length") as caught:
        parse_duration("-1", "s")
    assert caught.value.hint is not None and "or a number of s" in caught.value.hint
