"""Wildcards whose handlers read all parameters."""

from collections.abc import Sequence

import pytest

from ktrace.script.language.points import AtEvent, AtFunction
from ktrace.script.passes.split_patterns import split_patterns
from tests.unit.script.passes.one_pass import after, handlers
from tests.unit.script.scripts import FakeKernel


class WithEvents(FakeKernel):
    def functions(self, site: AtFunction | AtEvent) -> Sequence[tuple[str, str | None]]:
        found = FakeKernel.functions(self, site)
        return [(f"s:{name}", None) for name, _ in found] if isinstance(site, AtEvent) else found


KERNEL = WithEvents(["f_a", "f_b", "g"])


@pytest.mark.parametrize(
    ("point", "body", "expected"),
    [
        ('kernel.function("f_*")', "println($$parms)", ['kernel.function("f_a")', 'kernel.function("f_b")']),
        (
            'kernel.function("f_*").return',
            "println($$vars)",
            ['kernel.function("f_a").return', 'kernel.function("f_b").return'],
        ),
        ('kernel.function("f_*")', "println($a)", ['kernel.function("f_*")']),
        (
            'kernel.trace("s:f_*")',
            "println($$vars)",
            ['kernel.trace("s:f_a")', 'kernel.trace("s:f_b")'],
        ),
        ('kernel.function("g")', "println($$parms)", ['kernel.function("g")']),
        ("begin", "println($$parms)", ["begin"]),
    ],
)
def test_points(point: str, body: str, expected: list[str]) -> None:
    made = after(split_patterns, f"probe {point} {{ {body} }}", KERNEL)
    assert [line.partition(" {")[0] for line in handlers(made)] == expected


def test_each_function_may_be_left_out() -> None:
    made = after(split_patterns, 'probe kernel.function("f_*") { println($$parms) }', KERNEL)
    assert [hook.site for hook in made.hooks] == [AtFunction("f_a"), AtFunction("f_b")]
    assert all(hook.one_of_many for hook in made.hooks)
