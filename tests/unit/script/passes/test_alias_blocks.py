"""The blocks that an alias puts around a handler."""

import pytest

from ktrace.script.passes.expand_aliases import expand_aliases
from tests.unit.script.passes.one_pass import after, handlers

ALIASES = """
    probe a = begin { x = 1 }, { print(@probewrite(v)) }
    probe b = a { v = 1 }
    probe c += begin { print(@probewrite(v)) }
    probe d = begin { print(@probewrite(v)) }
"""


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        ("a { f() }", "begin { { (x = 1); } { f(); } { print(0); } }"),
        ("a { v++ }", "begin { { (x = 1); } { (v++); } { print(1); } }"),
        ("a { v[2] = 1 }", "begin { { (x = 1); } { (v[2] = 1); } { print(1); } }"),
        ("a { foreach (v in y) {} }", "begin { { (x = 1); } { foreach ([v] in y) { } } { print(1); } }"),
        ("a { w = v }", "begin { { (x = 1); } { (w = v); } { print(0); } }"),
        ("b { f() }", "begin { { (x = 1); } { (v = 1); } { f(); } { print(1); } }"),
        ("c { v = 2 }", "begin { { (v = 2); } { print(1); } }"),
        ("d { v = 2 }", "begin { { print(1); } { (v = 2); } }"),
    ],
)
def test_an_alias_knows_what_the_handler_writes(probe: str, expected: str) -> None:
    assert handlers(after(expand_aliases, f"{ALIASES} probe {probe}")) == [expected]
