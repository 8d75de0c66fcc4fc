"""The contents of a probe point."""

from dataclasses import replace

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


@pytest.mark.parametrize(
    ("place", "file", "lines"),
    [
        ("fs/a.c", "fs/a.c", ""),
        ("fs/a.c:12", "fs/a.c", "12"),
        ("fs/a.c+12", "fs/a.c", "+12"),
        ("fs/a.c:+12", "fs/a.c", "+12"),
        ("fs/a.c:12-30,40", "fs/a.c", "12-30,40"),
        ("fs/a.c:*", "fs/a.c", "*"),
        ("fs/a+b.c:1", "fs/a+b.c", "1"),
    ],
)
def test_lines_of_statements(place: str, file: str, lines: str) -> None:
    wanted = AtFunction("f", place=file, lines=lines, statement=True)
    assert point(f'kernel.statement("f@{place}")') == wanted
    assert point(f'kernel.statement("f@{place}").nearest') == replace(wanted, nearest=True)


def test_timers() -> None:
    assert point("timer.ms(2).randomize(1)") == Timer(2_000_000, 1_000_000)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('kernel.mark("x")', 'kernel.trace("EVENT")'),
        ('kernel.tracepoint("x")', 'kernel.trace("EVENT")'),
        ('kernel.function("f").callee("g")', "probe the callee's own function"),
        ('kernel.function("f@a.c").callees', "probe their own functions"),
        ('kernel.function("f").callees(2)', "probe their own functions"),
        ('module("m").function("f").label("x")', "kernel.statement("),
        ('kernel.function("f").absolute', "kernel.statement(0xADDRESS)"),
        ("kernel.statement(0x10).return", "'return' does not belong to this probe point"),
        ("timer.profile.tock", "tock"),
        ('kernel.statement("f@a.c:")', "neither a file nor lines"),
        ('kernel.statement("f@a.c:x")', "neither a file nor lines"),
        ('kernel.statement("f@a.c:1-")', "neither a file nor lines"),
        ('kernel.statement("f@")', "neither a file nor lines"),
        ('kernel.function("f@:12")', "neither a file nor lines"),
        ('kernel.function("f@a.c:1-2")', "lines in a function"),
        ('kernel.function("f@a.c+2")', "lines in a function"),
    ],
)
def test_what_cannot_be_probed(text: str, reason: str) -> None:
    with pytest.raises(ScriptError) as caught:
        point(text)
    assert reason in str(caught.value)
