"""Split a `print fmt` into tokens, those of C that occur there."""

import re
from dataclasses import dataclass
from typing import Literal

TokenKind = Literal["name", "number", "string", "char", "op", "end"]


class NotUnderstood(Exception):
    """A `print fmt` that this parser does not understand; not raised outside this package."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token; the text of a string or character has no quotes and resolved escapes."""

    kind: TokenKind
    text: str


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<name>[A-Za-z_]\w*)
    | (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*)
    | "(?P<string>(?:[^"\\]|\\.)*)"
    | '(?P<char>(?:[^'\\]|\\.)+)'
    | (?P<op>->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>?:()\[\]{},;=.])
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def tokens(text: str) -> list[Token]:
    """Return all tokens of `text`, an `end` last.

    Raises:
        NotUnderstood: something is not a token.
    """
    found: list[Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if not match:
            raise NotUnderstood(f"at {text[at : at + 20]!r}")
        at = match.end()
        # The pattern's groups are named after the kinds; to the type checker they are any str.
        kind = match.lastgroup
        if kind in ("string", "char"):
            found.append(Token(kind, _ESCAPE.sub(_unescape, match[kind])))  # type: ignore[arg-type]
        elif kind is not None:
            found.append(Token(kind, match[kind]))  # type: ignore[arg-type]
    found.append(Token("end", ""))
    return found


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8))
    return _ESCAPED.get(code, code)
