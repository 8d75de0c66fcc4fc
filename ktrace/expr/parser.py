"""Parse arguments: C member access, extended by the kernel's own grammar.

    [NAME=] EXPRESSION [:TYPE]
    EXPRESSION  = ("*" | "&" | "(" TYPE ")") EXPRESSION | POSTFIX
    POSTFIX     = PRIMARY ("->" NAME | "." NAME | "[" NUMBER "]")*
    PRIMARY     = NAME | $NAME | %REGISTER | @SYMBOL | "(" EXPRESSION ")"
                | ("+" | "-") ["u"] NUMBER "(" EXPRESSION ")"
                | "container_of" "(" EXPRESSION "," TYPE "," NAME ("." NAME)* ")"

There are no operators between two values: a probe can fetch, but not calculate.
"""

import re
from dataclasses import dataclass

from ktrace.expr.problems import wrong
from ktrace.expr.tree import (
    Access,
    AddressOf,
    Argument,
    Cast,
    ContainerOf,
    Deref,
    Fetch,
    Index,
    Name,
    Node,
    Special,
    TypeName,
)
from ktrace.model.arg_words import is_kernels_own, split_name
from ktrace.model.c_integer import WORDS
from ktrace.model.fetch import parse_fetch_arg
from ktrace.model.names import check_arg

_TEXT_MAX = 1000  # enough: the kernel accepts at most 255 characters of the result
_NESTING_MAX = 30

_TOKEN = re.compile(
    r"""(?P<name>[A-Za-z_]\w*) | (?P<special>[$%]\w+ | @[\w.]+(?:[+-](?:0[xX][0-9a-fA-F]+|0|[1-9]\d*)(?!\w))?)
      | (?P<number>0[xX][0-9a-fA-F]+|\d+) | (?P<op>->|[-+*&().,\[\]])""",
    re.VERBOSE | re.ASCII,
)
_RECORD_WORDS = frozenset({"struct", "union", "enum"})
_BASE_WORDS = WORDS | {"void", "bool", "_Bool"}
_QUALIFIERS = frozenset({"const", "volatile", "restrict"})


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # name, special, number, op, end
    text: str
    at: int


def parse(text: str) -> Argument:
    """Read one argument.

    Raises:
        UsageError: on a syntax error; the caret is where parsing stopped.
    """
    prefix, start = split_name(text)
    body = text[start:].strip()
    if is_kernels_own(body):
        own = parse_fetch_arg(f"{prefix}={body}" if prefix else body)
        return Argument(text, own)
    if len(text) > _TEXT_MAX:
        raise wrong(text, _TEXT_MAX, f"an expression of {len(text)} characters is more than can be read")
    if not body:
        raise wrong(text, len(text), "nothing to read", "such as file->f_pos, $retval or %di")
    colon = text.rfind(":")
    end, type_at = (colon, colon + 1) if colon >= start else (len(text), len(text))
    type_ = text[type_at:].strip() if colon >= start else None
    if type_ == "":
        raise wrong(text, type_at, "a colon, but no type after it", "such as :u32, :x64 or :string")
    parser = _Parser(text, start, end)
    node = parser.whole()
    name = check_arg(prefix) if prefix else None
    return Argument(text, node, name, type_, type_at)


class _Parser:
    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._tokens = list(_tokens(text, start, end))
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._unary()
        token = self._peek()
        if token.kind != "end":
            hint = "a probe can fetch values, but not calculate with them" if token.text in "+-*&" else None
            raise wrong(self._text, token.at, f"'{token.text}' is not allowed here", hint)
        return node

    def _peek(self, ahead: int = 0) -> _Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def _take(self) -> _Token:
        token = self._peek()
        self._next += 1
        return token

    def _expect(self, text: str) -> _Token:
        token = self._take()
        if token.text != text or token.kind != "op":
            raise wrong(self._text, token.at, f"'{text}' is missing here")
        return token

    def _unary(self) -> Node:
        self._depth += 1
        if self._depth > _NESTING_MAX:
            raise wrong(self._text, self._peek().at, "nested too deeply")
        try:
            token = self._peek()
            if token.kind == "op" and token.text in "*&":
                self._take()
                base = self._unary()
                return Deref(base, token.at) if token.text == "*" else AddressOf(base, token.at)
            if token.text == "(" and self._is_cast():
                self._take()
                ctype = self._type_name()
                self._expect(")")
                return Cast(ctype, self._unary(), token.at)
            return self._postfix(self._primary())
        finally:
            self._depth -= 1

    def _is_cast(self) -> bool:
        """Return whether the parentheses hold a type: a keyword, or a name with a value after them."""
        first = self._peek(1)
        if first.kind != "name":
            return False
        if first.text in _RECORD_WORDS | _BASE_WORDS | _QUALIFIERS:
            return True
        ahead = 2
        while self._peek(ahead).text == "*":
            ahead += 1
        if self._peek(ahead).text != ")":
            return False
        after = self._peek(ahead + 1)
        return ahead > 2 or after.kind in ("name", "special") or after.text == "("

    def _type_name(self) -> TypeName:
        at = self._peek().at
        self._qualifiers()
        first = self._take()
        keyword = first.text if first.text in _RECORD_WORDS else ""
        words = [first]
        if keyword:
            words = [self._take()]
        else:
            while first.text in _BASE_WORDS and self._peek().text in _BASE_WORDS:
                words.append(self._take())
        if words[-1].kind != "name":
            raise wrong(self._text, words[-1].at, "the name of a type is missing here")
        self._qualifiers()
        stars = 0
        while self._peek().text == "*":
            self._take()
            self._qualifiers()
            stars += 1
        name = " ".join(word.text for word in words)
        start = words[0].at if keyword else at
        return TypeName(keyword, name, stars, start)  # type: ignore[arg-type]  # one of the three, or empty

    def _qualifiers(self) -> None:
        while self._peek().text in _QUALIFIERS:
            self._take()

    def _primary(self) -> Node:
        token = self._take()
        if token.kind == "name":
            if token.text == "container_of" and self._peek().text == "(":
                return self._container_of(token)
            return Name(token.text, token.at)
        if token.kind == "special":
            return Special(token.text, token.at)
        if token.text == "(" and token.kind == "op":
            node = self._unary()
            self._expect(")")
            return node
        if token.text in ("+", "-") and token.kind == "op":
            return self._fetch(token)
        if token.kind == "end":
            raise wrong(self._text, token.at, "an expression is missing here")
        if token.kind == "number":
            raise wrong(
                self._text,
                token.at,
                "a number is not something to read",
                f"an immediate value is \\{token.text}",
            )
        raise wrong(self._text, token.at, f"'{token.text}' is not allowed here")

    def _postfix(self, node: Node) -> Node:
        for _ in range(len(self._tokens)):
            token = self._peek()
            if token.text in ("->", "."):
                self._take()
                name = self._take()
                if name.kind != "name":
                    raise wrong(self._text, name.at, "the name of a member is missing here")
                node = Access(node, name.text, token.text == "->", name.at, token.at)
            elif token.text == "[":
                self._take()
                number = self._take()
                if number.kind != "number":
                    raise wrong(
                        self._text, number.at, "only a number is allowed here", "such as [0] or [0x10]"
                    )
                self._expect("]")
                node = Index(node, self._value(number), token.at)
            else:
                break
        return node

    def _container_of(self, name: _Token) -> ContainerOf:
        self._expect("(")
        base = self._unary()
        self._expect(",")
        ctype = self._type_name()
        self._expect(",")
        path: list[tuple[str, int]] = []
        while not path or self._peek().text == ".":
            if path:
                self._take()
            member = self._take()
            if member.kind != "name":
                raise wrong(self._text, member.at, "the name of a member is missing here")
            path.append((member.text, member.at))
        self._expect(")")
        return ContainerOf(base, ctype, tuple(path), name.at)

    def _fetch(self, sign: _Token) -> Fetch:
        number = self._take()
        user = number.kind == "name" and re.fullmatch(r"u(0[xX][0-9a-fA-F]+|\d+)", number.text)
        if number.kind != "number" and not user:
            raise wrong(self._text, number.at, "an offset is missing here", "such as +0x10(file)")
        if user:
            number = _Token("number", user[1], number.at + 1)
        offset = self._value(number)
        self._expect("(")
        base = self._unary()
        self._expect(")")
        return Fetch(base, -offset if sign.text == "-" else offset, bool(user), sign.at)

    def _value(self, number: _Token) -> int:
        try:
            return int(number.text, 0)
        except ValueError:  # 010: C reads octal, a person may mean ten
            raise wrong(
                self._text, number.at, f"'{number.text}' is not a number", "decimal, or hexadecimal with 0x"
            ) from None


def _tokens(text: str, start: int, end: int) -> list[_Token]:
    tokens: list[_Token] = []
    at = start
    while at < end:
        if text[at].isspace():
            at += 1
            continue
        match = _TOKEN.match(text, at, end)
        if not match or not match.lastgroup:
            raise wrong(text, at, f"'{text[at]}' has no meaning in an expression")
        tokens.append(_Token(match.lastgroup, match[0], at))
        at = match.end()
    tokens.append(_Token("end", "", end))
    return tokens
