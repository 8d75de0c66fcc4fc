"""Constants, `@defined` and branches."""

import pytest

from ktrace.script.passes.fold_constants import fold_constants
from tests.unit.script.passes.one_pass import after, handlers, one_line
from tests.unit.script.scripts import FakeKernel


def folded(body: str, point: str = 'kernel.function("f")') -> str:
    made = after(fold_constants, f"probe {point} {{ {body} }}", FakeKernel(["f"], missing=["gone"]))
    (line,) = handlers(made)
    return line.removeprefix(point + " ")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("print(1 + 2 * 3)", "{ print(7); }"),
        ("print(9223372036854775807 + 1)", "{ print((-9223372036854775808)); }"),
        ('print("a" . "b")', '{ print("ab"); }'),
        ('print("a" == "b")', "{ print(0); }"),
        ("print(1 / 0)", "{ print((1 / 0)); }"),  # an error of the handler when it runs
        ("print(-(1) + !5 + ~0)", "{ print((-2)); }"),
        ("print(@defined($x))", "{ print(1); }"),
        ("print(@defined($gone) ? $gone : $x)", "{ print($x); }"),
        ("if (@defined($gone) && $gone->y) print(1); else print(2)", "{ print(2); }"),
        ("if (0) print(1)", "{ { } }"),
    ],
)
def test_bodies(body: str, expected: str) -> None:
    assert folded(body) == expected


def test_nothing_is_defined_without_an_event() -> None:
    assert folded("print(@defined($x))", "begin") == "{ print(0); }"


def test_functions_are_folded_but_do_not_know_what_is_defined() -> None:
    text = "function f() { return @defined($x) + (1 + 1) } probe begin {}"
    made = after(fold_constants, text)
    assert one_line(made.functions["f", 0].body) == "{ return (@defined($x) + 2); }"
