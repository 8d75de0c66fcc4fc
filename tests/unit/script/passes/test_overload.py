"""Functions of one name, put in a row."""

from ktrace.script.language.parser import parse
from ktrace.script.language.preprocess import Facts, Preprocessor
from ktrace.script.language.source import SourceFile
from ktrace.script.passes.overload import FOLLOWING, in_rows, overload
from tests.unit.script.passes.one_pass import after, one_line


def rows(text: str) -> list[str]:
    functions = parse(SourceFile("t.stp", text), Preprocessor(Facts())).functions
    return [f"{one.name}/{len(one.params)}" for one in in_rows(functions)]


def test_different_numbers_of_parameters_are_different_functions() -> None:
    assert rows("function f() {} function f(a) {} function g() {}") == ["f/0", "f/1", "g/0"]


def test_those_of_one_number_follow_each_other_by_priority() -> None:
    assert rows("function f(a):2 { next } function f(a):1 { next }") == ["f/1", f"f{FOLLOWING}1/1"]


def test_next_calls_the_following_one_with_the_same_arguments() -> None:
    text = "function f(a):2 { return 2 } function f(a):1 { if (a) next; return 1 } probe begin {}"
    made = after(overload, text).functions
    assert {name: one_line(one.body) for (name, _), one in made.items()} == {
        "f": f"{{ if (a) {{ return f{FOLLOWING}1(a); }} return 1; }}",
        f"f{FOLLOWING}1": "{ return 2; }",
    }
