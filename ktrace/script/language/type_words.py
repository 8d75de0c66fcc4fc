"""The grammar of questions about the kernel's types: `@container_of`, `sizeof`, `@type_member_defined`."""

from collections.abc import Callable

from ktrace.script.language.ast import Container, Expr, Item, Member, Number, Path, TypeFact
from ktrace.script.language.lexer import Token
from ktrace.script.language.preprocess import number
from ktrace.script.language.source import ScriptError
from ktrace.script.language.token_stream import Stream

TYPE_WORDS = {
    "container_of": '@container_of(value, "type", member)',
    "module_container_of": '@module_container_of(value, "module", "type", member)',
    "cast_sizeof": '@cast_sizeof("type")',
    "cast_module_sizeof": '@cast_module_sizeof("module", "type")',
    "type_member_defined": '@type_member_defined("type", member)',
    "module_type_member_defined": '@module_type_member_defined("module", "type", member)',
    "sizeof": 'sizeof("type")',
}
"""The words, with how each is written."""


def type_word(s: Stream, token: Token, word: str, expression: Callable[[Stream], Expr]) -> Expr:
    """Parse the arguments of one of `TYPE_WORDS`."""
    s.expect("(", f"of {token.text}")
    value = None
    if "container_of" in word:
        value = expression(s)
        _comma(s, word)
    module = _text(s, word) if "module" in word else None
    if module is not None:
        _comma(s, word)
    name = _text(s, word)
    path: Path = ()
    if "sizeof" not in word:
        _comma(s, word)
        path = _member(s, word)
    s.expect(")", f"of {token.text}")
    if value is not None:
        return Container(token.at, value, name, module, path)
    return TypeFact(token.at, "size" if "sizeof" in word else "defined", name, module, path)


def _comma(s: Stream, word: str) -> None:
    if not s.accept(","):
        raise s.wrong("',' is missing", TYPE_WORDS[word])


def _text(s: Stream, word: str) -> str:
    if s.here.kind != "string":
        raise s.wrong("a name as a literal string is missing", TYPE_WORDS[word])
    return s.take().text


def _member(s: Stream, word: str) -> Path:
    """Parse a member, `name`, `name->other`, `name.other[1]`, which may also be a string."""
    if s.here.kind == "string":
        token = s.take()
        return tuple(Member(token.at, one) for one in token.text.split("."))
    steps: list[Member | Item] = []
    while True:
        token = s.here
        if token.kind != "name" or token.text[0] in "$@":
            raise s.wrong("a member's name is missing", TYPE_WORDS[word])
        s.take()
        steps.append(Member(token.at, token.text))
        while s.accept("["):
            at = s.here
            if at.kind != "number":
                raise ScriptError("an index of a member is a literal number", at.at)
            steps.append(Item(at.at, Number(at.at, number(s.take()))))
            s.expect("]", "of this index")
        if not s.accept("->", "."):
            return tuple(steps)
