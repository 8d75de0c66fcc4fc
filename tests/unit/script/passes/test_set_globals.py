"""Globals with the values of `-G`."""

import pytest

from ktrace.errors import UsageError
from ktrace.script.language.printer import show
from ktrace.script.passes.set_globals import set_globals
from tests.unit.script.passes.one_pass import after

SCRIPT = 'global n = 1, name = "x", other probe begin {}'


def test_a_setting_is_a_number_unless_the_variable_is_a_string() -> None:
    made = after(set_globals, SCRIPT, settings={"n": "-0x10", "name": "7", "other": "a b"})
    assert show(made.script).splitlines()[:3] == [
        "global n = -16",
        'global name = "7"',
        'global other = "a b"',
    ]


def test_a_setting_needs_its_variable() -> None:
    with pytest.raises(UsageError, match="-G m: the script has no global variable of that name"):
        after(set_globals, SCRIPT, settings={"m": "1"})


@pytest.mark.parametrize("text", ["abc", "", "1 2", "--1"])
def test_a_number_is_set_to_a_number(text: str) -> None:
    with pytest.raises(UsageError, match=r"-G n: '.*' is not a number, and the script sets n to one"):
        after(set_globals, SCRIPT, settings={"n": text})
