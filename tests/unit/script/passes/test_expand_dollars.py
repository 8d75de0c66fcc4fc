"""Variables that stand for text, expanded to formats of single variables."""

from collections.abc import Sequence

import pytest

from ktrace.script.kernel_interface import Read, Shape
from ktrace.script.language.points import AtEvent, AtFunction, AtSyscall
from ktrace.script.language.source import ScriptError
from tests.unit.script.scripts import FakeKernel, compiled

NAME = Shape("record", "name", (Shape("unsigned", "len"), Shape("text", "text")))
SHAPES = {
    "a": Shape("signed"),
    "b": Shape(
        "pointer",
        members=(Shape("signed", "i"), Shape("pointer", "p"), Shape("record", "name"), Shape("array", "r")),
    ),
    "b->name": NAME,
    "big": Shape("pointer", members=tuple(Shape("signed", f"m{i}") for i in range(40))),
    "text": Shape("text"),
    "return": Shape("unsigned"),
    "comm": Shape("text", stored=True),
    "@v": Shape("record", members=(Shape("signed", "i"), Shape("record", "name"))),
    "@v->i": Shape("signed"),
    "@v->name": NAME,
}


def made(body: str, *, point: str = 'kernel.function("f")') -> tuple[str, list[str]]:
    """The format and what is read."""
    kernel = FakeKernel(["f"], shapes=SHAPES)
    program = compiled(f"probe {point} {{ println({body}) }}", kernel)
    text = program.emitted.text
    start = text.index("out((") if "out((" in text else text.index("out(")
    return text[start:].split("'")[1], [read.text for reads in kernel.asked.values() for read in reads]


@pytest.mark.parametrize(
    ("body", "form", "reads"),
    [
        ("$$parms", "a=%#x b=%#x", ["a", "b"]),
        ('@var("v")$', "{.i=%d, .name={...}}", ["@v->i"]),
        (
            '@var("v@f.c")$$',
            '{.i=%d, .name={.len=%d, .text="%s"}}',
            ["@v->i", "@v->name->len", "@v->name->text"],
        ),
        ('@var("v")->i$', "%d", ["@v->i"]),
        ("$$vars$", "a=%d b={.i=%d, .p=%#x, .name={...}, .r=[...]}", ["a", "b->i", "b->p"]),
        ("$a$", "%d", ["a"]),
        ("$b->name$", '{.len=%d, .text="%s"}', ["b->name->len", "b->name->text"]),
        (
            "$b$$",
            '{.i=%d, .p=%#x, .name={.len=%d, .text="%s"}, .r=[...]}',
            ["b->i", "b->p", "b->name->len", "b->name->text"],
        ),
        ("$unknown$", "%d", ["unknown"]),
    ],
)
def test_of_functions(body: str, form: str, reads: list[str]) -> None:
    assert made(body) == (form, reads)


def test_of_what_has_many_members_some_are_left_out() -> None:
    form, reads = made("$big$")
    assert len(reads) == 32
    assert form.endswith(".m31=%d, ...}")


def test_at_a_return() -> None:
    form, reads = made("$$return$", point='kernel.function("f").return')
    assert (form, reads) == ("return=%d", ["$retval"])


@pytest.mark.parametrize(
    ("body", "form", "reads"),
    [
        ("$$parms", "a=%#x b=%#x", ["a", "b"]),
        ("$$vars$", "a=%d b={.i=%d, .p=%#x, .name={...}, .r=[...]}", ["a", "b->i", "b->p"]),
        ("$b->name$", '{.len=%d, .text="%s"}', ["b->name->len", "b->name->text"]),
        ("$comm$", '"%s"', ["comm"]),
    ],
)
def test_what_a_tracepoint_passes_on_is_expanded_too(body: str, form: str, reads: list[str]) -> None:
    assert made(body, point='kernel.trace("f")') == (form, reads)


class WithFields(FakeKernel):
    def parameters(self, site: AtFunction | AtEvent | AtSyscall, also: Sequence[Read] = ()) -> Sequence[str]:
        return ["a", "comm"] if Read("x") in also else ["a", "b"]


def test_parameters_are_those_that_can_be_read_together_with_the_rest() -> None:
    kernel = WithFields(["f"], shapes=SHAPES)
    text = compiled('probe kernel.trace("f") { println($x, $$parms, $$name) }', kernel).emitted.text
    assert """'a=%#x comm="%s"'""" in text and "c_func" in text


@pytest.mark.parametrize("what", ["$$parms", "$$vars$", "$$return", "$x$"])
@pytest.mark.parametrize("point", ["begin", "timer.s(1)"])
def test_there_are_none_where_nothing_is_hit(what: str, point: str) -> None:
    with pytest.raises(ScriptError, match="there are no variables of the kernel at"):
        compiled(f"probe {point} {{ println({what}) }}")


def test_a_function_that_returns_nothing() -> None:
    kernel = FakeKernel(["f"], shapes={"return": Shape("other")})
    text = compiled('probe kernel.function("f").return { printf("[%s]", $$return) }', kernel).emitted.text
    assert "'[%s]' % ('', )" in text or "''" in text


def test_a_cast_is_expanded_by_its_type() -> None:
    shapes = {
        "file": Shape("pointer", members=(Shape("signed", "i"), Shape("text", "t"))),
        "file->i": Shape("signed"),
    }
    kernel = FakeKernel(["f"], shapes=shapes)
    text = compiled('probe kernel.function("f") { println(@cast($x, "file")$) }', kernel).emitted.text
    assert """'{.i=%d, .t="%s"}'""" in text
    assert [read.text for read in kernel.asked["f"]] == ["((struct file *)x)->i", "((struct file *)x)->t"]
