"""Split script text into tokens."""

import re
from typing import Literal

from ktrace.records import dataclass
from ktrace.script.language.source import ScriptError, SourceFile, Spot

TokenKind = Literal["name", "number", "string", "op", "embedded", "argument", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: `name` covers words, `$words` and `@words`; `argument` covers `$1 @1 $# @#`.
        text: the token as written; for a string its value, one character for each byte.
        at: the position of its first character.
        glued: whether it follows the previous token without a space.
    """

    kind: TokenKind
    text: str
    at: Spot
    glued: bool = False


_SKIP = re.compile(r"(?:\s+|//[^\n]*|#[^\n]*|/\*.*?\*/)+", re.DOTALL)
_ARGUMENT = re.compile(r"[$@](?:\d+|#)", re.ASCII)
_WORD = re.compile(r"[A-Za-z_$@][\w$]*", re.ASCII)
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+", re.ASCII)
_EMBEDDED = re.compile(r"%\{.*?%\}", re.DOTALL)
_OP = re.compile(
    r"<<<|<<=|>>=|%\(|%\)|%\?|%:|\+\+|--|<=|>=|==|!=|&&|\|\||<<|>>|->|::|=~|!~|[-+*/%&|^.]="
    r"|[-+*/%&|^.<>=!~?:;,(){}\[\]]"
)
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_NAMED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\n": ""}


def tokens(source: SourceFile) -> list[Token]:
    """Return all tokens of a text, `end` last. Raises ScriptError at text that is not a token."""
    text = source.text
    found: list[Token] = []
    at = 0
    glued = False
    while True:
        if blank := _SKIP.match(text, at):
            at = blank.end()
            glued = False
        spot = Spot(source, at)
        if at >= len(text):
            found.append(Token("end", "end of the script", spot))
            return found
        token, at = _token(text, at, spot, glued)
        found.append(token)
        glued = True


def _token(text: str, at: int, spot: Spot, glued: bool) -> tuple[Token, int]:
    if text.startswith("/*", at):
        raise ScriptError("this comment does not end", spot, hint="*/")
    kinds: tuple[tuple[TokenKind, re.Pattern[str]], ...] = (
        ("argument", _ARGUMENT),
        ("name", _WORD),
        ("number", _NUMBER),
        ("embedded", _EMBEDDED),
        ("op", _OP),
    )
    if match := _STRING.match(text, at):
        return Token("string", _unescape(match[1]), spot, glued), match.end()
    if text[at] == '"':
        raise ScriptError(
            "this string does not end in its line", spot, hint='close it with " (\\n is a line end)'
        )
    if text.startswith("%{", at) and not _EMBEDDED.match(text, at):
        raise ScriptError("this embedded C does not end", spot, hint="%}")
    for kind, pattern in kinds:
        if match := pattern.match(text, at):
            if kind == "number" and not (glued and text[at - 1] == "*") and _WORD.match(text, match.end()):
                raise ScriptError("this is not a number: a letter follows it", spot, hint="42, 0x2a or 052")
            return Token(kind, match[0], spot, glued), match.end()
    raise ScriptError(f"'{text[at]}' cannot stand here", spot)


def _unescape(body: str) -> str:
    """Return the bytes of a string literal, decoded as Latin-1."""

    def one(match: re.Match[str]) -> str:
        hexadecimal, octal, named = match.groups()
        if hexadecimal:
            return chr(int(hexadecimal, 16))
        if octal:
            return chr(int(octal, 8) & 0xFF)
        return _NAMED.get(named, named)

    # Encode first: an escape is one byte, even next to UTF-8 characters.
    raw = body.encode("utf-8", "surrogateescape").decode("latin-1")
    return _ESCAPE.sub(one, raw)
