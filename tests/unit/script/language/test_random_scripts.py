"""Scripts made from the grammar are taken, and those with one mistake are refused at its place."""

import pytest

from ktrace.errors import KtraceError, NotFound, UsageError
from ktrace.script.language.parser import parse
from ktrace.script.language.preprocess import Facts, Preprocessor
from ktrace.script.language.printer import show
from ktrace.script.language.source import SourceFile
from tests.unit.script.language.script_generator import invalid, valid
from tests.unit.script.scripts import FakeKernel, compiled, start

SEEDS = range(150)
LIMITS = ("MAXACTION=200", "MAXACTION_INTERRUPTIBLE=200", "MAXERRORS=100", "MAXMAPENTRIES=8")


def shown(text: str) -> str:
    return show(parse(SourceFile("t.stp", text), Preprocessor(Facts("6.12", "x86_64"))))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_script_from_the_grammar_runs(seed: int) -> None:
    text = valid(seed)
    ran = start(text, FakeKernel(["f"]), limits=LIMITS)
    ran.drive.advance(3_000_000_000)
    ran.drive.end()
    assert not [line for line in ran.told if "ERROR" not in line], text


@pytest.mark.parametrize("seed", SEEDS)
def test_a_script_that_is_printed_is_the_same_script(seed: int) -> None:
    once = shown(valid(seed))
    assert shown(once) == once


@pytest.mark.parametrize("seed", SEEDS)
def test_one_mistake_is_refused_at_its_place(seed: int) -> None:
    text = invalid(seed)
    with pytest.raises(KtraceError) as caught:
        compiled(text, FakeKernel(["f"]))
    error = caught.value
    if isinstance(error, NotFound):
        assert "t.stp:" in error.message, text
    else:
        assert isinstance(error, UsageError), text
        assert error.caret is not None, text


def test_the_same_seed_makes_the_same_script() -> None:
    assert (valid(5), invalid(5)) == (valid(5), invalid(5))
    assert len({valid(seed) for seed in SEEDS}) == len(SEEDS)
