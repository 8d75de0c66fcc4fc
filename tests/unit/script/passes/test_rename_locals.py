"""Locals of functions, and global variables of the same name."""

import pytest

from ktrace.script.language.source import OWN, ScriptError
from ktrace.script.passes.rename_locals import rename_locals
from tests.unit.script.passes.one_pass import after, one_line
from tests.unit.script.scripts import run


def bodies(text: str) -> dict[str, str]:
    return {one.name: one_line(one.body) for one in after(rename_locals, text).script.functions}


def test_a_parameter_hides_the_global_variable() -> None:
    text = "global a[5], b function f(a, b) { b = a & 1; return b } probe begin {}"
    assert bodies(text)["f"] == f"{{ (b{OWN} = (a{OWN} & 1)); return b{OWN}; }}"


def test_another_name_in_a_function_of_the_script_is_the_global_variable() -> None:
    assert (
        bodies("global n function f(a) { n = a; return n } probe begin {}")["f"] == "{ (n = a); return n; }"
    )


@pytest.mark.parametrize(
    "of_script", ["text[3]", 'text = "q"', "text = 7", "at, text", 'part = "q"', "at[2]"]
)
def test_the_tapset_does_not_see_the_global_variables_of_a_script(of_script: str) -> None:
    assert run(f'global {of_script} probe begin {{ println(strpos("abcd", "c")) exit() }}') == "2\n"


def test_the_tapset_sees_its_own_global_variables() -> None:
    body = 'start_stopwatch("w") stop_stopwatch("w") println(read_stopwatch_s("w")) exit()'
    assert run(f'global name = "x" probe begin {{ {body} }}') == "0\n"


def test_a_mistake_is_told_by_the_name_in_the_text() -> None:
    with pytest.raises(ScriptError, match="there is no global array 'a'") as told:
        run("global a function f(a) { return a[1] } probe begin { f(1) }")
    assert OWN not in str(told.value)
