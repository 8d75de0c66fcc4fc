"""The grammar of expressions.

From lowest to highest precedence:

    = += -= ... .= <<<     from the right
    ?:                     from the right
    ||
    &&
    |
    ^
    &
    in
    < <= == != >= > =~ !~
    << >>
    .                      strings
    + -
    * / %
    - + ! ~ ++ --          before the operand
    ++ --                  after the operand
    -> []                  paths of $x, @cast(), @var()
"""

from ktrace.script.language.ast import (
    PROBE_WRITE,
    Aggregate,
    Assign,
    Binary,
    Call,
    Cast,
    Crement,
    Defined,
    Entry,
    Expr,
    In,
    Index,
    Item,
    Member,
    Name,
    Number,
    Path,
    Target,
    Ternary,
    Text,
    Unary,
    variable_of,
)
from ktrace.script.language.lexer import Token
from ktrace.script.language.preprocess import number
from ktrace.script.language.source import ScriptError
from ktrace.script.language.token_stream import DEPTH_MAX, KEYWORDS, Stream
from ktrace.script.language.type_words import TYPE_WORDS, type_word

ASSIGNMENTS = ("=", "<<<", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "^=", "|=", ".=")

# Left-associative operators, lowest precedence first.
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("|",),
    ("^",),
    ("&",),
    ("in",),
    ("<", "<=", "==", "!=", ">=", ">", "=~", "!~"),
    ("<<", ">>"),
    (".",),
    ("+", "-"),
    ("*", "/", "%"),
)
_PRECEDENCE = {op: level for level, ops in enumerate(_LEVELS) for op in ops}
_FLAT = frozenset((".", "&&", "||"))  # chains of which make no nesting in what is emitted
_CHAIN_MAX = 1000  # of such operators side by side

AGGREGATES = frozenset(["count", "sum", "min", "max", "avg", "variance", "hist_log", "hist_linear"])


def expression(s: Stream) -> Expr:
    """Parse an expression."""
    s.deeper(s.here.at)
    left = _ternary(s)
    if s.is_op(*ASSIGNMENTS):
        op = s.take()
        left = Assign(op.at, op.text, left, expression(s))
    s.depth -= 1
    return left


def _ternary(s: Stream) -> Expr:
    condition = _binary(s, 0)
    if not s.is_op("?"):
        return condition
    at = s.take().at
    s.deeper(at)
    yes = expression(s)
    s.expect(":", "of this ?:")
    no = expression(s)
    s.depth -= 1
    return Ternary(at, condition, yes, no)


def _binary(s: Stream, lowest: int) -> Expr:
    """Parse operators whose precedence is `lowest` or higher."""
    left = _unary(s)
    count = 0
    while (level := _level(s)) >= lowest:
        op = s.take()
        count += 1
        if count > (_CHAIN_MAX if op.text in _FLAT else DEPTH_MAX):
            raise ScriptError(f"too many operators in a row: {count}", op.at)
        if op.text == "in":
            array = s.name("the name of an array")
            left = In(op.at, (left,), Name(array.at, array.text))
            continue
        right = _binary(s, level + 1)
        if op.text in ("=~", "!~") and not isinstance(right, Text):
            raise ScriptError(f"the pattern after {op.text} must be a literal string", right.at)
        left = Binary(op.at, op.text, left, right)
    return left


def _level(s: Stream) -> int:
    """Return the precedence of the next token, or -1 if it is not an operator."""
    token = s.here
    if token.kind == "op" or (token.kind == "name" and token.text == "in"):
        return _PRECEDENCE.get(token.text, -1)
    return -1


def _membership(s: Stream) -> Expr:
    """Parse `[key, *] in array`."""
    at = s.here.at
    keys = slice_keys(s)
    if not s.accept_word("in"):
        raise s.wrong("'in' after these keys is missing", "[a, b] in array")
    array = s.name("the name of an array")
    return In(at, keys, Name(array.at, array.text))


def slice_keys(s: Stream) -> tuple[Expr | None, ...]:
    """Parse `[key, *, ...]`. Return None for each `*`."""
    s.expect("[", "of keys")
    keys: list[Expr | None] = []
    while True:
        if s.is_op("*") and s.following.kind == "op" and s.following.text in (",", "]"):
            s.take()
            keys.append(None)
        else:
            keys.append(expression(s))
        if s.accept("]"):
            return tuple(keys)
        if not s.accept(","):
            raise s.wrong("',' or ']' is missing")


def _unary(s: Stream) -> Expr:
    if s.is_op("["):
        return _membership(s)
    if s.is_op("-", "+", "!", "~", "++", "--"):
        op = s.take()
        s.deeper(op.at)
        value = _unary(s)
        s.depth -= 1
        if op.text in ("++", "--"):
            return Crement(op.at, op.text, value, prefix=True)
        return Unary(op.at, op.text, value)
    value = _postfix(s)
    if s.is_op("++", "--"):
        op = s.take()
        value = Crement(op.at, op.text, value, prefix=False)
    return value


def _postfix(s: Stream) -> Expr:
    at = s.here.at
    address = s.accept("&") is not None
    value = _value(s)
    if isinstance(value, Target | Cast) and not value.path:
        path, pretty = _path(s)
        if isinstance(value, Cast):
            return Cast(value.at, value.value, value.type, value.module, path, address, pretty)
        pretty = pretty or value.pretty
        return Target(
            value.at, value.name, path, address, pretty, module=value.module, variable=value.variable
        )
    if s.is_op("->"):
        path, pretty = _path(s)
        return Cast(at, value, None, None, path, address, pretty)
    if address:
        raise ScriptError("& takes the address of the kernel's variables: $x, $x->y, @cast(...)->y", at)
    return value


def _path(s: Stream) -> tuple[Path, str]:
    """Parse `->member` and `[index]` steps, and the `$` or `$$` after the last member."""
    steps: list[Member | Item] = []
    while True:
        if s.accept("->"):
            token = s.here
            if token.kind != "name" or token.text[0] in "$@":
                raise s.wrong("a member's name after '->' is missing")
            s.take()
            name = token.text.rstrip("$")
            steps.append(Member(token.at, name))
            if name != token.text:
                return tuple(steps), token.text[len(name) :]
        elif s.is_op("["):
            at = s.take().at
            steps.append(Item(at, expression(s)))
            s.expect("]", "of this index")
        elif s.is_word("$", "$$") and s.here.glued:
            return tuple(steps), s.take().text
        else:
            return tuple(steps), ""


def _value(s: Stream) -> Expr:
    token = s.here
    if token.kind == "number":
        return Number(token.at, number(s.take()))
    if token.kind == "string":
        return Text(token.at, s.take().text)
    if token.kind == "embedded":
        raise ScriptError(
            "embedded C cannot be run: ktrace compiles nothing for the kernel",
            token.at,
            hint="say it in the script's language, or with $variables and @cast",
        )
    if s.accept("("):
        value = expression(s)
        s.expect(")", "for this '('") if s.is_op(")") else _unclosed(s, token)
        return value
    if token.kind != "name":
        raise s.wrong("a value is missing")
    if token.text[0] == "@":
        return _at_word(s)
    if token.text[0] == "$":
        return _target(s.take())
    if token.text in KEYWORDS:
        raise s.wrong("a value is missing")
    token = s.name("a value")
    if token.text == "sizeof" and s.is_op("(") and s.following.kind == "string":
        return type_word(s, token, "sizeof", expression)
    if s.is_op("("):
        return Call(token.at, token.text, arguments(s))
    name = Name(token.at, token.text)
    return Index(token.at, name, slice_keys(s)) if s.is_op("[") else name


def _unclosed(s: Stream, opening: Token) -> None:
    line = opening.at.line
    raise s.wrong("')' is missing", f"for the '(' in line {line}")


def arguments(s: Stream) -> tuple[Expr, ...]:
    """Parse the `(a, b)` of a call."""
    opening = s.expect("(", "of the arguments")
    args: list[Expr] = []
    if s.accept(")"):
        return ()
    while True:
        args.append(expression(s))
        if s.accept(")"):
            return tuple(args)
        if not s.accept(","):
            _unclosed(s, opening)


def _target(token: Token) -> Target:
    text = token.text[1:]
    body = text.rstrip("$")
    pretty = text[len(body) :]
    if not body or len(pretty) > 2:
        raise ScriptError(f"'{token.text}' is not a variable", token.at)
    return Target(token.at, body, pretty=pretty)


def _at_word(s: Stream) -> Expr:
    token = s.take()
    word = token.text[1:]
    if word in AGGREGATES:
        return _aggregate(s, token, word)
    if word in ("entry", "defined"):
        s.expect("(", f"of @{word}")
        value = expression(s)
        s.expect(")", f"of @{word}")
        return Entry(token.at, value) if word == "entry" else Defined(token.at, value)
    if word in TYPE_WORDS and word != "sizeof":
        return type_word(s, token, word, expression)
    if word == "probewrite":
        args = arguments(s)
        if len(args) != 1 or not isinstance(args[0], Name):
            raise ScriptError("@probewrite takes a variable", token.at, hint="@probewrite(v)")
        return Call(token.at, PROBE_WRITE, args)
    if word == "cast":
        args = arguments(s)
        texts = [arg.value if isinstance(arg, Text) else None for arg in args[1:]]
        if not 2 <= len(args) <= 3 or None in texts:
            raise ScriptError("@cast takes a value and a type", token.at, hint='@cast(x, "task_struct")->pid')
        return Cast(token.at, args[0], texts[0], texts[1] if len(texts) > 1 else None)
    if word == "var":
        args = arguments(s)
        texts = [arg.value if isinstance(arg, Text) else None for arg in args]
        if not 1 <= len(args) <= 2 or texts[0] is None or None in texts:
            raise ScriptError("@var takes a name", token.at, hint='@var("jiffies@kernel/time/timer.c")')
        return Target(token.at, texts[0], module=texts[1] if len(texts) > 1 else None, variable=True)
    reasons = {
        "perf": "perf counters are not read here",
        "const": "the preprocessor's constants are not known to the kernel's types",
    }
    if word.startswith(("prometheus_", "json_")):
        raise ScriptError(f"@{word}: files in /proc need a kernel module", token.at)
    if word in reasons:
        raise ScriptError(f"@{word}: {reasons[word]}", token.at)
    raise ScriptError(
        f"there is no macro or operator @{word}",
        token.at,
        hint="@count @sum @min @max @avg @variance @hist_log @hist_linear @cast @var @entry @defined",
    )


def _aggregate(s: Stream, token: Token, word: str) -> Expr:
    args = arguments(s)
    if not args or not isinstance(args[0], Name | Index) or variable_of(args[0]) is None:
        raise ScriptError(f"@{word} takes an aggregate", token.at, hint=f"@{word}(x) or @{word}(x[key])")
    params = [_constant(arg) for arg in args[1:]]
    allowed = {"hist_linear": 3, "variance": len(params) if len(params) <= 1 else 1}.get(word, 0)
    if len(params) != allowed:
        hint = "@hist_linear(x, low, high, width)" if word == "hist_linear" else None
        raise ScriptError(f"@{word} does not take {len(args)} arguments", token.at, hint=hint)
    found = Aggregate(token.at, word, args[0], tuple(params))
    if word == "hist_linear":
        low, high, width = params
        if width <= 0 or high <= low or (high - low) // width > 128 * 128:
            raise ScriptError("a histogram needs low < high and a width above 0", token.at)
    if word.startswith("hist_") and s.is_op("["):
        return Index(token.at, found, slice_keys(s))
    return found


def _constant(value: Expr) -> int:
    if isinstance(value, Number):
        return value.value
    if isinstance(value, Unary) and value.op == "-" and isinstance(value.value, Number):
        return -value.value.value
    raise ScriptError("a literal number is expected here", value.at)
