"""The grammar of a script: globals, functions, probes and aliases."""

from typing import TypeAlias, cast

from ktrace.script.language.ast import Kind, Number, Text
from ktrace.script.language.definitions import Alias, Component, Function, Global, Param, Point, Probe, Script
from ktrace.script.language.expressions import expression
from ktrace.script.language.lexer import Token
from ktrace.script.language.preprocess import Preprocessor, number
from ktrace.script.language.source import ScriptError, SourceFile
from ktrace.script.language.statements import block
from ktrace.script.language.token_stream import Stream

_TYPES = ("long", "string", "stats")
_POINTS_MAX = 2000  # expansions of one probe point's braces


def parse(source: SourceFile, preprocessor: Preprocessor) -> Script:
    """Parse a script into its definitions.

    Raises:
        ScriptError: on a syntax error, with its position.
    """
    s = Stream(preprocessor.run(source))
    found: list[Global | Function | Probe | Alias] = []
    while s.here.kind != "end":
        if s.accept(";"):
            continue
        found += _definition(s)
    return Script(
        tuple(one for one in found if isinstance(one, Global)),
        tuple(one for one in found if isinstance(one, Function)),
        tuple(one for one in found if isinstance(one, Probe)),
        tuple(one for one in found if isinstance(one, Alias)),
    )


def _definition(s: Stream) -> list[Global] | list[Function] | list[Probe] | list[Alias]:
    if s.here.kind == "embedded":
        raise ScriptError(
            "embedded C cannot be run: ktrace compiles nothing for the kernel",
            s.here.at,
            hint="say it in the script's language, or with $variables and @cast",
        )
    if s.is_word("private"):
        s.take()
        if not s.is_word("global", "function"):
            return _globals(s)
    if s.is_word("global"):
        s.take()
        return _globals(s)
    if s.is_word("function"):
        return [_function(s)]
    if s.is_word("probe"):
        return _probe(s)
    raise s.wrong("a definition is missing", "global, function or probe")


def _globals(s: Stream) -> list[Global]:
    made = []
    while True:
        word = s.name("the name of a global variable")
        wrap = s.accept("%") is not None
        size = None
        initial = None
        if s.accept("["):
            token = s.here
            if token.kind != "number":
                raise s.wrong("the size of the array is missing", "a literal number")
            size = number(s.take())
            if size <= 0:
                raise ScriptError("an array holds at least one element", token.at)
            s.expect("]", "of the size")
        wrap = s.accept("%") is not None or wrap
        if s.is_op("="):
            if size is not None:
                raise ScriptError(f"'{word.text}' is an array: only a single value is set here", s.here.at)
            s.take()
            initial = _literal(s)
        made.append(Global(word.at, word.text, initial, size, wrap))
        if not s.accept(","):
            s.accept(";")
            return made


def _literal(s: Stream) -> Number | Text:
    if s.here.kind == "string":
        token = s.take()
        return Text(token.at, token.text)
    minus = s.accept("-")
    if s.here.kind != "number":
        raise s.wrong("a literal number or string is missing")
    token = s.take()
    value = number(token)
    return Number(token.at, -value if minus and value != -(1 << 63) else value)


def _kind(s: Stream) -> Kind | None:
    if not s.accept(":"):
        return None
    if not s.is_word(*_TYPES):
        raise s.wrong("a type is missing", "long or string")
    return cast(Kind, s.take().text)


def _function(s: Stream) -> Function:
    s.take()
    word = s.name("the name of the function")
    kind = _kind(s)
    s.expect("(", "of the parameters")
    params: list[Param] = []
    while not s.is_op(")"):
        if params and not s.accept(","):
            raise s.wrong("',' or ')' is missing")
        name = s.name("a parameter's name")
        if any(one.name == name.text for one in params):
            raise ScriptError(f"there are two parameters '{name.text}'", name.at)
        params.append(Param(name.at, name.text, _kind(s)))
    s.take()
    kind = _kind(s) if kind is None and s.is_op(":") and s.following.text in _TYPES else kind
    priority = 0
    if s.accept(":"):
        if s.here.kind != "number":
            raise s.wrong("a type or the function's priority is missing", "function f:long(x):1")
        priority = number(s.take())
    return Function(word.at, word.text, tuple(params), kind, block(s, "the function"), priority)


def _probe(s: Stream) -> list[Probe] | list[Alias]:
    at = s.take().at
    points = _points(s)
    if s.is_op("=", "+="):
        epilogue = s.take().text == "+="
        names = points
        points = _points(s)
        body = block(s, "the probe")
        ending = None
        if comma := s.accept(","):
            if epilogue:
                hint = "probe NAME = POINT { before }, { after }"
                raise ScriptError("with '+=', an alias has one block", comma.at, hint=hint)
            ending = block(s, "the epilogue")
        return [Alias(at, tuple(names), tuple(points), body, epilogue, ending)]
    return [Probe(at, tuple(points), block(s, "the probe"))]


def _points(s: Stream) -> list[Point]:
    made: list[Point] = []
    while True:
        made += _point(s)
        if len(made) > _POINTS_MAX:
            raise ScriptError(f"more than {_POINTS_MAX} probe points in one list", s.here.at)
        if not s.accept(","):
            return made


def _point(s: Stream) -> list[Point]:
    """Parse a probe point and expand its braces."""
    at = s.here.at
    found = _components(s)
    mark = _mark(s)
    condition = None
    if s.accept_word("if"):
        s.expect("(", "after 'if'")
        condition = expression(s)
        s.expect(")", "of this 'if'")
    return [Point(at, parts, "?" in own + mark, "!" in own + mark, condition) for parts, own in found]


def _mark(s: Stream) -> str:
    """Take the `?` or `!` after a probe point or after an alternative within braces."""
    token = s.accept("!", "?")
    return token.text if token else ""


_Way: TypeAlias = tuple[tuple[Component, ...], str]


def _components(s: Stream) -> list[_Way]:
    """Parse `a.b("x").{c!,d}`. Return each expansion of the braces with its marks."""
    ways: list[_Way] = [((), "")]
    while True:
        if s.is_op("{"):
            opening = s.take()
            s.deeper(opening.at)
            inner: list[_Way] = []
            while True:
                more = _components(s)
                mark = _mark(s)
                inner += [(parts, own + mark) for parts, own in more]
                if s.accept("}"):
                    break
                if not s.accept(","):
                    raise s.wrong("',' or '}' is missing")
            s.depth -= 1
        else:
            inner = [((_component(s),), "")]
        ways = [(a + b, mark + more_marks) for a, mark in ways for b, more_marks in inner]
        if len(ways) > _POINTS_MAX:
            raise ScriptError(f"these braces stand for more than {_POINTS_MAX} probe points", s.here.at)
        if not s.accept("."):
            return ways


def _component(s: Stream) -> Component:
    at = s.here.at
    name = _wild_name(s)
    arg: int | str | None = None
    if s.accept("("):
        token: Token = s.here
        if token.kind == "string":
            arg = s.take().text
        elif s.is_op("-") or token.kind == "number":
            minus = s.accept("-") is not None
            if s.here.kind != "number":
                raise s.wrong("a number is missing")
            arg = number(s.take()) * (-1 if minus else 1)
        else:
            raise s.wrong("a literal number or string is missing")
        s.expect(")", "of this part of the probe point")
    return Component(at, name, arg)


def _wild_name(s: Stream) -> str:
    """Parse a name with wildcards, written without spaces."""
    pieces: list[str] = []
    while True:
        token = s.here
        if pieces and not token.glued:
            break
        word = token.kind == "name" and token.text[0] not in "$@"
        if not (word or token.kind == "number" or (token.kind == "op" and token.text in ("*", "**"))):
            break
        if token.kind == "number" and not pieces:
            break
        pieces.append(s.take().text)
    if not pieces:
        raise s.wrong("a probe point is missing", 'such as begin, timer.s(1), kernel.function("vfs_read")')
    return "".join(pieces)
