"""Types of variables, functions and expressions."""

import pytest

from ktrace.script.language.source import ScriptError
from ktrace.script.passes.infer_types import infer_types
from tests.unit.script.passes.one_pass import after
from tests.unit.script.scripts import FakeKernel


def test_types_follow_from_what_is_assigned_and_called() -> None:
    text = """
        global n, names, times
        function shout(s) { return s . "!" }
        probe kernel.function("f") { n++; who = shout(execname()); names[who, n] = who; times <<< $x }
    """
    types = after(infer_types, text, FakeKernel(["f"])).types
    assert types.slots == {
        ("g", "n"): "long",
        ("g", "names"): "string",
        ("key", "names", "0"): "string",
        ("key", "names", "1"): "long",
        ("g", "times"): "stats",
        ("f", "shout/1"): "string",
        ("l", "shout/1", "s"): "string",
        ("l", "probe 0", "who"): "string",
    }
    assert types.arrays == {"names": 2}


def test_text_of_the_kernel_is_a_string() -> None:
    types = after(
        infer_types,
        'probe kernel.function("f") { a = kernel_string($x); b = $y; println(a, b) }',
        FakeKernel(["f"]),
    ).types
    assert types.slots == {("l", "probe 0", "a"): "string", ("l", "probe 0", "b"): "long"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('global x probe begin { x = 1; x = "a" }', "'x' is a number elsewhere, but a string here"),
        ("global x, x probe begin {}", "there are two global variables 'x'"),
        ("probe begin { println(f()) }", r"there is no function 'f'"),
        ("probe begin { return 1 }", "'return' belongs in a function"),
        (
            'function f(n) { return n + 1 } probe begin { f("a") }',
            "'n' is a number elsewhere, but a string here",
        ),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        after(infer_types, text)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("onn", "tests global variables, and 'onn' is not one"),
        ("on && x > 1", "tests global variables, and 'x' is not one"),
        ("on = 1", "changes no variable"),
        ("on++", "changes no variable"),
    ],
)
def test_the_condition_of_a_point_tests_globals(condition: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        after(infer_types, f"global on probe begin if ({condition}) {{ x = 2 }}")
