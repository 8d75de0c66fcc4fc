"""`$value` of files that a script serves, and of its input."""

import pytest

from ktrace.script.language.source import ScriptError
from ktrace.script.passes.expand_value import expand_value
from tests.unit.script.passes.one_pass import after, handlers


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        ('procfs("x").read { $value = "a" $value .= $value }', "__ktrace_set_value"),
        ('procfs("x").write { println($value) }', "println(__ktrace_value())"),
        ('procfs("x").write if ($value == "a") { println(1) }', "println(1)"),
        ("input.char { println(char) }", "(char = __ktrace_value())"),
        ("input.line { println(line) }", "(line = __ktrace_value())"),
    ],
)
def test_value_becomes_calls(probe: str, expected: str) -> None:
    made = after(expand_value, f"probe {probe}")
    (text,) = handlers(made)
    assert expected in text and "$value" not in text
    assert all(not hasattr(one, "target") for one in made.hooks[0].conditions)


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ('procfs("x").write { $value = "a" }', "a handler of .read sets it"),
        ('procfs("x").read { $value <<< 1 }', "a handler of .read sets it"),
        ('procfs("x").read { println($value->x) }', "is a string"),
        ("input.line { $value = 1 }", "a handler of .read sets it"),
    ],
)
def test_other_uses_are_refused(probe: str, message: str) -> None:
    (hook,) = after(expand_value, f"probe {probe}").hooks
    assert isinstance(hook.refused, ScriptError) and message in str(hook.refused)


def test_value_of_other_probes_is_theirs() -> None:
    (text,) = handlers(after(expand_value, 'probe kernel.function("f") { println($value) }'))
    assert "println($value)" in text
