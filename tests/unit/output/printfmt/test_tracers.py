"""The texts of tracers' events that no C expression gives."""

import pytest

from ktrace.output.printfmt.tracers import SPELLED


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "  0.000 us    "),
        (50_194, "+ 50.194 us   "),
        (650_639, "! 650.639 us  "),
        (3_212_485, "# 3212.485 us "),
        (28_071_620, "* 28071.62 us "),
        (123_456_789, "@ 123456.7 us "),
        (1_234_567_890, "$ 1234567 us  "),
        (123_456_789_012, "$ 123456789 us "),
    ],
)
def test_durations_are_as_wide_as_the_kernels(ns: int, text: str) -> None:
    """Eight characters, of which up to three are digits of nanoseconds, in a column of 14."""
    spell, _ = SPELLED["__ktrace_duration"]
    assert spell(ns) + " " == text
