"""Variables that stand for text, expanded to formats of single variables."""

import pytest

from ktrace.script.kernel_interface import Shape
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
