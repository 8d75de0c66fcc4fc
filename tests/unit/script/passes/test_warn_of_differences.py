"""Probe points that are not quite SystemTap's."""

from ktrace.script.passes.warn_of_differences import warn_of_differences
from tests.unit.script.passes.one_pass import after


def test_a_profile_timer_is_no_profile_and_one_warning_says_so() -> None:
    made = after(warn_of_differences, "probe timer.profile { print(1) } probe timer.s(1) { print(2) }")
    assert made.warnings == [
        "t.stp:1:7: timer.profile is a timer of 100 Hz here: it sees no processor but its own"
    ]
