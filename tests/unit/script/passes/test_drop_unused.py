"""Assignments to locals that nobody reads."""

import pytest

from ktrace.script.passes.drop_unused import drop_unused
from tests.unit.script.passes.one_pass import after, handlers
from tests.unit.script.scripts import FakeKernel


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x = $x; println(1)", "{ println(1); }"),
        ("x = $x; println(x)", "{ (x = $x); println(x); }"),
        ("x = $x; y = $y + x; println(1)", "{ println(1); }"),
        ("if ($y) x = $x; println(1)", "{ if ($y) { } println(1); }"),
        ("g = $x", "{ (g = $x); }"),  # a global: others may read it
        ("x = $x + g++", "{ (x = ($x + (g++))); }"),  # it has an effect
        ("x = 1; println(1)", "{ (x = 1); println(1); }"),  # reads nothing from the kernel
    ],
)
def test_bodies(body: str, expected: str) -> None:
    made = after(drop_unused, f'global g probe kernel.function("f") {{ {body} }}', FakeKernel(["f"]))
    assert handlers(made) == [f'kernel.function("f") {expected}']


def test_of_the_tapset_s_aliases_all_that_is_not_read_goes() -> None:
    made = after(drop_unused, "probe vfs.read { println(name, bytes_to_read) }", FakeKernel(["vfs_read"]))
    assert handlers(made) == [
        'kernel.function("vfs_read") { { (name = "vfs.read"); (bytes_to_read = $count); }'
        " { println(name, bytes_to_read); } }"
    ]


def test_a_condition_reads_too() -> None:
    made = after(drop_unused, 'probe kernel.function("f") if (x) { x = $x }', FakeKernel(["f"]))
    assert handlers(made) == ['kernel.function("f") { (x = $x); }']
