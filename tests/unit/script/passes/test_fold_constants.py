"""Constants, `@defined` and branches."""

import pytest

from ktrace.script.language.source import ScriptError
from ktrace.script.passes.fold_constants import fold_constants
from tests.unit.script.passes.one_pass import after, handlers, one_line
from tests.unit.script.scripts import FakeKernel, compiled


def folded(body: str, point: str = 'kernel.function("f")') -> str:
    layouts = {"file": (0, 512), "file.f_path": (64, 16), "file.f_path.mnt": (72, 8)}
    kernel = FakeKernel(["f"], missing=["gone"], layouts=layouts)
    made = after(fold_constants, f"probe {point} {{ {body} }}", kernel)
    (line,) = handlers(made)
    return line.removeprefix(point + " ")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("print(1 + 2 * 3)", "{ print(7); }"),
        ("print(9223372036854775807 + 1)", "{ print(9223372036854775808); }"),
        ('print("a" . "b")', '{ print("ab"); }'),
        ('print("a" == "b")', "{ print(0); }"),
        ("print(1 / 0)", "{ print((1 / 0)); }"),  # an error of the handler when it runs
        ("print(-(1) + !5 + ~0)", "{ print((-2)); }"),
        ("print(@defined($x))", "{ print(1); }"),
        ("print(@defined($gone) ? $gone : $x)", "{ print($x); }"),
        ("if (@defined($gone) && $gone->y) print(1); else print(2)", "{ print(2); }"),
        ("if (0) print(1)", "{ { } }"),
        ('print(sizeof("file"))', "{ print(512); }"),
        ('print(@cast_sizeof("file") + 1)', "{ print(513); }"),
        ('print(@cast_module_sizeof("kernel", "file"))', "{ print(512); }"),
        ('print(@type_member_defined("file", f_path->mnt))', "{ print(1); }"),
        ('print(@type_member_defined("file", f_nothing))', "{ print(0); }"),
        ('if (@type_member_defined("file", f_nothing)) print($gone)', "{ { } }"),
        ('print(&@cast(0, "file")->f_path->mnt)', "{ print(72); }"),
        ('print(&@cast(4096, "file")->f_path)', "{ print(4160); }"),
        ('print(&@cast(0, "file", "kernel")[1])', "{ print(512); }"),
        ('print(&@cast(0, "file")[2]->f_path)', "{ print(1088); }"),
    ],
)
def test_bodies(body: str, expected: str) -> None:
    assert folded(body) == expected


def test_nothing_is_defined_without_an_event() -> None:
    assert folded("print(@defined($x))", "begin") == "{ print(0); }"


def test_functions_are_folded_but_do_not_know_what_is_defined() -> None:
    text = "function f() { return @defined($x) + (1 + 1) } probe begin {}"
    made = after(fold_constants, text)
    assert one_line(made.functions["f", 0].body) == "{ return (@defined($x) + 2); }"


@pytest.mark.parametrize(
    "body",
    ['print(sizeof("nothing"))', 'print(@container_of($x, "file", nothing))', 'print(&@cast(0, "gone")->x)'],
)
def test_a_type_that_is_not_there_is_an_error_at_its_place(body: str) -> None:
    with pytest.raises(ScriptError, match=r"t.stp:1:\d+: no ") as caught:
        compiled(f'probe kernel.function("f") {{ {body} }}', FakeKernel(["f"]))
    assert caught.value.caret is not None


def test_what_holds_a_member() -> None:
    kernel = FakeKernel(["f"], layouts={"file": (0, 512), "file.f_path": (64, 16)})
    body = """c = @container_of($p, "file", f_path)
              d = @module_container_of($p, "kernel", "file", f_path)
              printf("%d %d %d", c, @cast(c, "file")->f_mode, d)"""
    made = compiled(f'probe kernel.function("f") {{ {body} }}', kernel)
    assert [read.text for read in kernel.asked["f"]] == [
        "p",
        "((struct file *)container_of(p, struct file, f_path))->f_mode",
    ]
    assert "c_f0 - 64" in made.emitted.text
