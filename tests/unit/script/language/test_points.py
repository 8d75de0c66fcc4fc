"""The contents of a probe point."""

import pytest

from ktrace.script.language.parser import parse
from ktrace.script.language.points import AtFunction, Timer, read_point
from ktrace.script.language.preprocess import Facts, Preprocessor
from ktrace.script.language.source import ScriptError, SourceFile


def point(text: str) -> object:
    script = parse(SourceFile("t.stp", f"probe {text} {{ }}"), Preprocessor(Facts()))
    return read_point(script.probes[0].points[0])


def test_functions_of_modules() -> None:
    wanted = AtFunction("f", at_return=True, module="m")
    assert point('module("m").function("f").return') == wanted
    assert point('kprobe.module("m").function("f").return') == wanted
    assert point('kprobe.function("f").return') == AtFunction("f", at_return=True)


def test_timers() -> None:
    assert point("timer.ms(2).randomize(1)") == Timer(2_000_000, 1_000_000)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('kernel.mark("x")', "tracepoints"),
        ("timer.profile.tock", "tock"),
    ],
)
def test_what_cannot_be_probed(text: str, reason: str) -> None:
    with pytest.raises(ScriptError) as caught:
        point(text)
    assert reason in str(caught.value)
