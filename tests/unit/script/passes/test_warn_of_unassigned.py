"""Warnings of variables that nothing assigns."""

import pytest

from ktrace.script.passes.warn_of_unassigned import warn_of_unassigned
from tests.unit.script.passes.one_pass import after
from tests.unit.script.scripts import FakeKernel


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("probe begin { print(x) }", ["t.stp:1:21: the local variable 'x' is never assigned"]),
        (
            "probe begin { total = 1; print(totl) }",
            ["t.stp:1:32: the local variable 'totl' is never assigned (did you mean total?)"],
        ),
        ("function f(a) { return a + b } probe begin { f(1) }", ["the local variable 'b' is never assigned"]),
        ("probe begin { x = 1; print(x) }", []),
        ("probe begin { x++; print(x) }", []),
        ("global a probe begin { a[1] = 2; foreach (v = k in a) print(k, v) }", []),
        ('probe begin { try { error("") } catch (e) { print(e) } }', []),
        ("probe t.a = begin { n = 1 } probe t.a { print(n) }", []),
        ("probe t.a = begin { n = 1 } probe t.a { print(m) }", ["the local variable 'm' is never assigned"]),
    ],
)
def test_warnings(text: str, warnings: list[str]) -> None:
    made = list(after(warn_of_unassigned, text, FakeKernel([])).warnings)
    assert len(made) == len(warnings)
    assert all(wanted in said for wanted, said in zip(warnings, made, strict=True))
