"""Passes get what they declare, and must make what they declare."""

import pytest

from ktrace.script.language.definitions import Script
from ktrace.script.language.limits import Limits
from ktrace.script.language.preprocess import Facts
from ktrace.script.passes.compilation import Compilation
from ktrace.script.passes.pass_manager import Pass, checked, listing


def compilation() -> Compilation:
    facts = Facts()
    return Compilation((), facts, None, {}, Limits(), ())


def parse(sources, facts):
    """Read nothing.

    More about it.
    """
    return Script()


def count(script, settings):
    """Count nothing."""
    return ["a"], ["b"]


PARSE, COUNT = Pass(parse, ("script",)), Pass(count, ("notes", "warnings"))


def test_a_pass_is_described_by_its_function() -> None:
    assert (PARSE.name, PARSE.summary, PARSE.reads) == ("parse", "Read nothing.", ("sources", "facts"))


def test_results_are_set_in_the_order_of_their_names() -> None:
    made = compilation()
    for one in checked((PARSE, COUNT)):
        one.apply(made)
    assert (made.notes, made.warnings) == (["a"], ["b"])


def test_a_pass_cannot_read_what_is_made_later() -> None:
    with pytest.raises(ValueError, match="the pass count reads script, which no pass before it makes"):
        checked((COUNT, PARSE))
    with pytest.raises(AttributeError):
        COUNT.apply(compilation())


def test_a_pass_cannot_make_what_a_compilation_does_not_have() -> None:
    with pytest.raises(ValueError, match="the pass parse makes tree, which a compilation does not have"):
        checked((Pass(parse, ("tree",)),))


@pytest.mark.parametrize(
    ("returned", "makes"),
    [
        (None, ("notes",)),
        ((["a"], None), ("notes", "warnings")),
        (["a"], ("notes", "warnings")),
        ((["a"],), ("notes", "warnings")),
    ],
)
def test_a_pass_must_make_what_it_declares(returned, makes) -> None:
    def forgetful():
        return returned

    with pytest.raises(TypeError, match=f"the pass forgetful did not make {', '.join(makes)}"):
        Pass(forgetful, makes).apply(compilation())


def test_the_list_shows_order_reads_and_results() -> None:
    assert list(listing((PARSE, COUNT)))[2:] == [
        " 1 parse                 Read nothing.",
        "                         sources facts -> script",
        " 2 count                 Count nothing.",
        "                         script settings -> notes warnings",
    ]
