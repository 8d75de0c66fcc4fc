"""Locals that are read and that nothing assigns."""

import pytest

from ktrace.script.passes.warn_of_unassigned import warn_of_unassigned
from tests.unit.script.passes.one_pass import after
from tests.unit.script.scripts import FakeKernel


def warned(text: str, kernel: FakeKernel | None = None) -> list[str]:
    return list(after(warn_of_unassigned, text, kernel).warnings)


def test_a_local_that_nothing_assigns_is_named_with_what_is_like_it() -> None:
    assert warned("global total\nprobe begin { bytes = 1; println(byte, totl) }") == [
        "t.stp:2:34: never-assigned local variable 'byte' (alternatives: bytes): it is 0 or empty",
        "t.stp:2:40: never-assigned local variable 'totl' (alternatives: total): it is 0 or empty",
    ]


def test_a_name_is_told_once_for_a_handler() -> None:
    assert len(warned("probe begin { println(x) println(x) }")) == 1


@pytest.mark.parametrize(
    "body",
    (
        "x = 1; println(x)",
        "if (0) x = 1; println(x)",
        "x++; println(x)",
        "foreach (x in a) println(x)",
        "foreach (x = k in a) println(x, k)",
        'try { error("") } catch (x) { println(x) }',
        "println(a[1])",
        "println(1 in a)",
        "x = y = 2; println(x, y)",
    ),
)
def test_what_gives_a_local_a_value(body: str) -> None:
    assert warned(f"global a\nprobe begin {{ {body} }}") == []


def test_parameters_have_values_and_locals_of_functions_need_them() -> None:
    assert warned("function f(a) { return a + b } probe begin { println(f(1)) }") == [
        "t.stp:1:28: never-assigned local variable 'b': it is 0 or empty"
    ]


def test_what_an_alias_sets_has_a_value() -> None:
    alias = "probe t.a = begin { n = 1 } "
    assert warned(alias + "probe t.a { print(n) }") == []
    (one,) = warned(alias + "probe t.a { print(m) }")
    assert "variable 'm'" in one


def test_a_variable_of_one_alias_is_missing_at_another() -> None:
    kernel = FakeKernel(["vfs_read", "vfs_open"])
    (one,) = warned("probe vfs.read, vfs.open { println(bytes_to_read) }", kernel)
    assert "'bytes_to_read'" in one
