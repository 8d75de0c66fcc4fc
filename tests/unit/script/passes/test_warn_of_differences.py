"""Probe points that are not quite SystemTap's."""

import pytest

from ktrace.script.passes.warn_of_differences import warn_of_differences
from tests.unit.script.passes.one_pass import after
from tests.unit.script.scripts import FakeKernel


@pytest.mark.parametrize(
    ("call", "warning"),
    [
        ("print_backtrace()", "print_backtrace is empty at timer.profile: samples have no stack"),
        ("println(ubacktrace())", "ubacktrace has one frame at timer.profile: samples have no stack"),
    ],
)
def test_a_sample_has_no_stack(call: str, warning: str) -> None:
    made = after(warn_of_differences, f"probe timer.profile {{ {call} }} probe timer.s(1) {{ {call} }}")
    assert len(made.warnings) == 1 and made.warnings[0].endswith(warning)


def test_other_functions_are_the_same() -> None:
    text = 'probe timer.profile { println(uaddr() + user_mode()) } probe kernel.function("f") { backtrace() }'
    assert after(warn_of_differences, text, FakeKernel(["f"])).warnings == []


def test_what_an_event_does_not_carry_is_read_later() -> None:
    text = (
        'function own() { return gid() } probe kernel.trace("f") { println(uid(), own(), ppid(), pid()) }'
        ' probe kernel.function("f") { println(uid()) } probe begin { println(uid()) }'
    )
    (warning,) = after(warn_of_differences, text, FakeKernel(["f"], reads_task=True)).warnings
    assert warning.endswith(
        'at kernel.trace("f"), uid(), gid() cannot be read: /proc is, when the handler runs'
    )
