"""The grammar of statements. The semicolon after a statement is optional."""

from ktrace.script.language.ast import (
    Aggregate,
    Block,
    Delete,
    Expr,
    ExprStatement,
    Foreach,
    If,
    Jump,
    Name,
    Number,
    Return,
    Statement,
    Try,
    While,
)
from ktrace.script.language.expressions import AGGREGATES, expression, slice_keys
from ktrace.script.language.source import ScriptError
from ktrace.script.language.token_stream import Stream


def block(s: Stream, what: str) -> Block:
    """Parse `{ ... }`."""
    if s.here.kind == "embedded":
        raise ScriptError(
            "embedded C cannot be run: ktrace compiles nothing for the kernel",
            s.here.at,
            hint="say it in the script's language, or with $variables and @cast",
        )
    opening = s.expect("{", f"of {what}")
    s.deeper(opening.at)
    body: list[Statement] = []
    while not s.is_op("}"):
        if s.here.kind == "end":
            raise s.wrong("'}' is missing", f"for the '{{' in line {opening.at.line}")
        if not s.accept(";"):
            body.append(statement(s))
    s.take()
    s.depth -= 1
    return Block(opening.at, tuple(body))


def statement(s: Stream) -> Statement:
    """Parse a statement."""
    token = s.here
    s.deeper(token.at)
    found = _statement(s)
    s.depth -= 1
    return found


def _statement(s: Stream) -> Statement:
    token = s.here
    if s.is_op("{") or token.kind == "embedded":
        return block(s, "a block")
    if s.accept(";"):
        return Block(token.at, ())
    made: Statement
    if token.kind == "name" and token.text in _WORDS:
        return _WORDS[token.text](s)
    if s.accept_word("delete"):
        made = Delete(token.at, expression(s))
    elif s.accept_word("return"):
        # The value may be missing only before a semicolon or at the end of the block.
        made = Return(token.at, None if s.is_op(";", "}") else expression(s))
    elif token.kind == "name" and token.text in ("break", "continue", "next"):
        s.take()
        made = Jump(token.at, token.text)  # type: ignore[arg-type]  # one of the three
    else:
        made = ExprStatement(token.at, expression(s))
    s.accept(";")
    return made


def _if(s: Stream) -> Statement:
    at = s.take().at
    condition = _condition(s, "if")
    yes = statement(s)
    no = None
    # `if (x) y(); else z();`: the statement y() has already taken the semicolon.
    if s.accept_word("else"):
        no = statement(s)
    return If(at, condition, yes, no)


def _condition(s: Stream, what: str) -> Expr:
    s.expect("(", f"after '{what}'")
    condition = expression(s)
    s.expect(")", f"of this '{what}'")
    return condition


def _while(s: Stream) -> Statement:
    at = s.take().at
    condition = _condition(s, "while")
    return While(at, condition, statement(s))


def _for(s: Stream) -> Statement:
    at = s.take().at
    s.expect("(", "after 'for'")
    first = None if s.is_op(";") else expression(s)
    s.expect(";", "of this 'for'")
    condition = Number(s.here.at, 1) if s.is_op(";") else expression(s)
    s.expect(";", "of this 'for'")
    step = None if s.is_op(")") else expression(s)
    s.expect(")", "of this 'for'")
    return While(at, condition, statement(s), first, step)


def _foreach(s: Stream) -> Statement:
    at = s.take().at
    s.expect("(", "after 'foreach'")
    value: Name | None = None
    sorts: list[tuple[int, bool]] = []
    first_at = s.here.at
    if s.is_op("["):
        keys = _loop_keys(s, sorts)
    else:
        word = s.name("the loop's variable")
        variable = Name(word.at, word.text)
        if s.accept("="):
            value = variable
            if s.is_op("["):
                keys = _loop_keys(s, sorts)
            else:
                word = s.name("the loop's variable")
                keys = (Name(word.at, word.text),)
                _sort_sign(s, 1, sorts)
        else:
            keys = (variable,)
            _sort_sign(s, 1, sorts)
    if not s.accept_word("in"):
        raise s.wrong("'in' is missing", "foreach (key in array), foreach ([a, b] in array)")
    base = _loop_base(s)
    sliced = slice_keys(s) if s.is_op("[") and isinstance(base, Name) else ()
    by = None
    if s.here.kind == "name" and s.here.text[:1] == "@":
        word = s.take()
        by = word.text[1:]
        if by not in AGGREGATES or by.startswith("hist_"):
            raise ScriptError("sorting is by @count, @sum, @min, @max or @avg", word.at)
        if not s.is_op("+", "-"):
            raise s.wrong(f"'+' or '-' after {word.text} is missing")
    _sort_sign(s, 0, sorts)
    if len(sorts) > 1:
        raise ScriptError("a loop is sorted by one thing", first_at)
    limit = expression(s) if s.accept_word("limit") else None
    s.expect(")", "of this 'foreach'")
    sort, descending = sorts[0] if sorts else (None, False)
    body = statement(s)
    return Foreach(at, keys, value, base, sliced, sort, by, descending, limit, body)


def _loop_keys(s: Stream, sorts: list[tuple[int, bool]]) -> tuple[Name, ...]:
    s.expect("[", "of the keys")
    keys: list[Name] = []
    while True:
        word = s.name("the loop's variable")
        keys.append(Name(word.at, word.text))
        _sort_sign(s, len(keys), sorts)
        if s.accept("]"):
            return tuple(keys)
        if not s.accept(","):
            raise s.wrong("',' or ']' is missing")


def _sort_sign(s: Stream, column: int, sorts: list[tuple[int, bool]]) -> None:
    sign = s.accept("+", "-", "++", "--")
    if sign:
        sorts.append((column, sign.text[0] == "-"))


def _loop_base(s: Stream) -> Name | Aggregate:
    if s.is_word("@hist_log", "@hist_linear"):
        found = expression(s)
        if isinstance(found, Aggregate):
            return found
        raise ScriptError("a loop goes over an array or a histogram", found.at)
    word = s.name("the name of an array")
    return Name(word.at, word.text)


def _try(s: Stream) -> Statement:
    at = s.take().at
    body = block(s, "'try'")
    if not s.accept_word("catch"):
        raise s.wrong("'catch' is missing", f"for the 'try' in line {at.line}")
    message = None
    if s.accept("("):
        word = s.name("the variable that takes the message")
        message = Name(word.at, word.text)
        s.expect(")", "of this 'catch'")
    return Try(at, body, message, block(s, "'catch'"))


def _do(s: Stream) -> Statement:
    raise ScriptError("there is no 'do' loop", s.here.at, hint="while (1) { ...; if (!condition) break }")


_WORDS = {"if": _if, "while": _while, "for": _for, "foreach": _foreach, "try": _try, "do": _do}
