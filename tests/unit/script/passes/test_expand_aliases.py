"""Probe points, expanded to hooks."""

import pytest

from ktrace.errors import KtraceError
from ktrace.script.language.points import AtFunction
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.expand_aliases import expand_aliases
from tests.unit.script.passes.one_pass import after, handlers
from tests.unit.script.scripts import FakeKernel

ALIASES = """
    probe one.a = kernel.function("f") { x = 1 }
    probe one.b = kernel.function("g") { x = 2 }
    probe late += kernel.function("f") { y = 3 }
"""


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        ("probe begin, end { print(1) }", ["begin { print(1); }", "end { print(1); }"]),
        ("probe one.a { print(x) }", ['kernel.function("f") { { (x = 1); } { print(x); } }']),
        ("probe late { print(1) }", ['kernel.function("f") { { print(1); } { (y = 3); } }']),
        ("probe one.a.return { print(x) }", ['kernel.function("f").return { { (x = 1); } { print(x); } }']),
        (
            "probe one.* { print(x) }",
            [
                'kernel.function("f") { { (x = 1); } { print(x); } }',
                'kernel.function("g") { { (x = 2); } { print(x); } }',
            ],
        ),
        ('probe kernel.function("no")?, kernel.function("f") {}', ['kernel.function("f") { }']),
        ('probe kernel.function("f")!, kernel.function("g") {}', ['kernel.function("f") { }']),
        ("probe nothing?, begin {}", ["begin { }"]),
    ],
)
def test_points(probe: str, expected: list[str]) -> None:
    assert handlers(after(expand_aliases, ALIASES + probe, FakeKernel(["f", "g"]))) == expected


def test_a_hook_knows_its_site_and_what_was_asked_for() -> None:
    (hook,) = after(expand_aliases, ALIASES + "probe one.a.return if (1) {}", FakeKernel(["f"])).hooks
    assert hook.site == AtFunction("f", at_return=True)
    assert str(hook.asked) == "one.a.return" and len(hook.conditions) == 1


def test_a_bad_point_of_an_alias_does_not_take_the_others_with_it() -> None:
    text = 'probe a = kernel.function("f"), kernel.bad("x") {} probe a ? {}'
    good, bad = after(expand_aliases, text, FakeKernel(["f"])).hooks
    assert good.refused is None and good.optional
    assert bad.refused is not None and "'bad(\"x\")' cannot be probed" in bad.refused.message


def test_a_point_that_there_is_not() -> None:
    with pytest.raises(ScriptError, match=r"there is no probe point 'one\.c'") as caught:
        after(expand_aliases, ALIASES + "probe one.c {}")
    assert caught.value.hint is not None and "one.a" in caught.value.hint


def test_a_script_without_probes() -> None:
    with pytest.raises(KtraceError, match="this script has no probes"):
        after(expand_aliases, ALIASES)
