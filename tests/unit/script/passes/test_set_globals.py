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
