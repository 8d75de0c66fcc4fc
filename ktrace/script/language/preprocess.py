"""Preprocess tokens: `%( condition %? ... %: ... %)`, `@define`, `$1 @1 $# @#`, adjacent strings.

Conditions about the kernel (`kernel_v`, `arch`, `CONFIG_X`) are answered from `Facts`. Only scripts use them:
ktrace itself never decides by kernel version.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from fnmatch import fnmatchcase
from functools import cache

from ktrace.records import dataclass
from ktrace.script.language.facts import Facts
from ktrace.script.language.lexer import Token, tokens
from ktrace.script.language.served_macros import SERVED_MACROS
from ktrace.script.language.source import ScriptError, SourceFile, Spot

__all__ = ["Facts", "Preprocessor"]

_DEPTH_MAX = 50
_TOKENS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class _Macro:
    params: tuple[str, ...]
    body: tuple[Token, ...]


@cache
def _builtin(text: str, *params: str) -> _Macro:
    source = SourceFile("<built in>", text, tapset=True)
    return _Macro(params, tuple(tokens(source)[:-1]))


def _builtins() -> dict[str, _Macro]:
    """Return the predefined macros. `@this1` to `@this8` are per-task variables."""
    made = {f"this{i}": _builtin(f"__this_var{i}[tid()]") for i in range(1, 9)}
    return made | {"choose_defined": _builtin("(@defined(@a) ? (@a) : (@b))", "a", "b")}


@dataclass(slots=True)
class Preprocessor:
    """Produce the tokens that the parser reads. Macros persist from one text to the next.

    Attributes:
        macros: macros by name, without the `@`.
        used: the numbers of the arguments that were named: `$1`, `@1`.
    """

    facts: Facts
    macros: dict[str, _Macro] = field(default_factory=_builtins)
    used: set[int] = field(default_factory=set)
    _made: int = 0
    _defined: set[str] = field(default_factory=set)

    def run(self, source: SourceFile) -> list[Token]:
        """Return the preprocessed tokens of a text, `end` last."""
        stream = tokens(source)
        for name, (text, params) in SERVED_MACROS.items():
            if f"@{name}" in source.text:  # few scripts use them, and to read them takes time
                self.macros.setdefault(name, _builtin(text, *params))
        made = self._expand(stream[:-1], {}, 0)
        return [*_joined(made), stream[-1]]

    def _expand(
        self, stream: Sequence[Token], bound: Mapping[str, Sequence[Token]], depth: int
    ) -> list[Token]:
        out: list[Token] = []
        at = 0
        while at < len(stream):
            token = stream[at]
            if depth > _DEPTH_MAX:
                raise ScriptError("macros within macros go too deep here", token.at)
            if token.kind == "argument":
                out += self._argument(token)
                at += 1
            elif token.text == "@define" and token.kind == "name":
                at = self._define(stream, at)
            elif token.text == "%(" and token.kind == "op":
                end = _closing(stream, at)
                out += self._expand(self._chosen(stream[at + 1 : end], token.at), bound, depth + 1)
                at = end + 1
            elif token.kind == "name" and token.text[:1] == "@" and token.text[1:] in bound:
                out += bound[token.text[1:]]
                at += 1
            elif token.kind == "name" and token.text[:1] == "@" and token.text[1:] in self.macros:
                macro = self.macros[token.text[1:]]
                args, at = _macro_arguments(stream, at, macro)
                values = [self._expand(arg, bound, depth + 1) for arg in args]
                named = dict(zip(macro.params, values, strict=True))
                out += self._expand(macro.body, named, depth + 1)
            else:
                out.append(token)
                at += 1
            if len(out) > _TOKENS_MAX:
                raise ScriptError("macros make more than a million words of this", token.at)
        self._made += len(out)
        if self._made > 4 * _TOKENS_MAX and stream:
            raise ScriptError("macros make millions of words of this script", stream[0].at)
        return out

    def _argument(self, token: Token) -> list[Token]:
        arguments = self.facts.arguments
        if token.text[1] == "#":
            text = str(len(arguments))
            return [Token("number" if token.text[0] == "$" else "string", text, token.at)]
        index = int(token.text[1:])
        if not 1 <= index <= len(arguments):
            hint = f"arguments follow the script's name: {len(arguments)} given"
            raise ScriptError(f"there is no argument {token.text}", token.at, hint=hint)
        self.used.add(index)
        value = arguments[index - 1]
        if token.text[0] == "@":
            raw = value.encode("utf-8", "surrogateescape").decode("latin-1")
            return [Token("string", raw, token.at)]
        words = tokens(SourceFile(token.text, value))[:-1]
        if any(word.kind == "argument" for word in words):
            raise ScriptError("an argument cannot name an argument", token.at)
        return words

    def _define(self, stream: Sequence[Token], at: int) -> int:
        start = stream[at].at
        at += 1
        name = _at(stream, at, start)
        if name.kind != "name" or not re.fullmatch(r"[A-Za-z_]\w*", name.text):
            raise ScriptError("@define needs a name", name.at, hint="@define NAME(a, b) %( ... %)")
        at += 1
        params: list[str] = []
        if _at(stream, at, start).text == "(":
            at += 1
            while True:
                word = _at(stream, at, start)
                at += 1
                if word.text == ")" and not params:
                    break
                if word.kind != "name":
                    raise ScriptError("a macro's parameter is a name", word.at)
                params.append(word.text)
                comma = _at(stream, at, start)
                at += 1
                if comma.text == ")":
                    break
                if comma.text != ",":
                    raise ScriptError("',' or ')' is missing before this", comma.at)
        opening = _at(stream, at, start)
        if opening.text != "%(":
            raise ScriptError("the body of a macro stands between %( and %)", opening.at)
        end = _closing(stream, at)
        if name.text in self._defined:
            raise ScriptError(f"there are two macros '@{name.text}'", name.at)
        if not name.at.source.tapset:
            self._defined.add(name.text)
        self.macros[name.text] = _Macro(tuple(params), tuple(stream[at + 1 : end]))
        return end + 1

    def _chosen(self, inside: Sequence[Token], start: Spot) -> Sequence[Token]:
        """Return the tokens of the branch that the condition selects."""
        question = _find(inside, "%?")
        if question is None:
            raise ScriptError("%? is missing in this condition", start, hint="%( condition %? yes %: no %)")
        colon = _find(inside, "%:", question + 1)
        holds = _Condition(self, inside[:question], start).value()
        if holds:
            return inside[question + 1 : colon]
        return inside[colon + 1 :] if colon is not None else ()


@dataclass(slots=True)
class _Condition:
    """The condition between `%(` and `%?`, such as `a < b && c || d`; `&&` binds more tightly than `||`."""

    preprocessor: Preprocessor
    stream: Sequence[Token]
    start: Spot
    at: int = 0

    def value(self) -> bool:
        """Return whether the condition holds."""
        holds = self._all()
        while self._take("||"):
            holds = self._all() or holds
        if self.at < len(self.stream):
            raise ScriptError("this does not belong to the condition", self.stream[self.at].at)
        return holds

    def _all(self) -> bool:
        holds = self._one()
        while self._take("&&"):
            holds = self._one() and holds
        return holds

    def _one(self) -> bool:
        left, name = self._operand()
        if self.at >= len(self.stream):
            raise ScriptError("a comparison is missing in this condition", self.start)
        op = self.stream[self.at]
        if op.text not in _COMPARE:
            raise ScriptError("a comparison is expected here", op.at, hint="< <= == != >= >")
        self.at += 1
        right, _ = self._operand()
        if isinstance(left, int) and isinstance(right, int):
            return _COMPARE[op.text](left, right)
        if isinstance(left, int) != isinstance(right, int):
            if not name:
                raise ScriptError("a number is compared with a string here", op.at)
            left, right = str(left), str(right)
        assert isinstance(left, str)
        assert isinstance(right, str)
        if op.text in ("==", "!="):
            return fnmatchcase(left, right) == (op.text == "==")
        return _COMPARE[op.text](*_versions(left, right))

    def _operand(self) -> tuple[int | str, bool]:
        """Parse an operand. Return its value and whether it came from `Facts`."""
        token = _at(self.stream, self.at, self.start)
        self.at += 1
        if token.kind == "argument":
            arguments = self.preprocessor.facts.arguments
            if token.text[1] != "#" and int(token.text[1:]) > len(arguments):
                return "", False
            (token, *more) = self.preprocessor._argument(token) or [Token("string", "", token.at)]
            if more:
                raise ScriptError("this argument is more than one word", token.at)
        if token.kind == "number":
            return number(token), False
        if token.kind == "string":
            return token.text, False
        if token.kind == "name" and token.text.startswith("CONFIG_"):
            return self.preprocessor.facts.config(token.text) or "n", True
        value = self.preprocessor.facts.value(token.text) if token.kind == "name" else None
        if value is None:
            raise ScriptError(
                f"a condition cannot test '{token.text}'",
                token.at,
                hint="kernel_v kernel_vr arch CONFIG_NAME systemtap_v runtime $1 @1 $# or a literal",
            )
        return (int(value), True) if token.text == "guru_mode" else (value, True)

    def _take(self, text: str) -> bool:
        if self.at < len(self.stream) and self.stream[self.at].text == text:
            self.at += 1
            return True
        return False


# The caller makes sure that both are numbers or both are versions.
_COMPARE: dict[str, Callable[[object, object], bool]] = {
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
}


def _versions(left: str, right: str) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Split two versions into lists that compare number by number: 6.9 sorts before 6.12."""

    def split(text: str) -> list[tuple[int, str]]:
        return [
            (int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|[^\d.]+", text)
        ]

    return split(left), split(right)


def number(token: Token) -> int:
    """Return the value of a number token, wrapped to a signed 64-bit integer."""
    text = token.text
    try:
        value = int(text, 8) if re.fullmatch(r"0\d+", text) else int(text, 0)
    except ValueError:
        raise ScriptError(f"'{text[:40]}' is not a number", token.at, hint="42, 0x2a or 052") from None
    if value >= 1 << 64:
        raise ScriptError("this number needs more than 64 bits", token.at)
    return value - (1 << 64) if value >= 1 << 63 else value


def _at(stream: Sequence[Token], at: int, start: Spot) -> Token:
    if at >= len(stream):
        raise ScriptError("what begins here does not end", start)
    return stream[at]


def _closing(stream: Sequence[Token], at: int) -> int:
    """Return the index of the `%)` that closes the `%(` at index `at`."""
    depth = 0
    for i in range(at, len(stream)):
        if stream[i].kind == "op":
            depth += {"%(": 1, "%)": -1}.get(stream[i].text, 0)
            if depth == 0:
                return i
    raise ScriptError("there is no %) for this %(", stream[at].at)


def _find(stream: Sequence[Token], text: str, start: int = 0) -> int | None:
    """Return the index of an operator outside nested `%( %)`, or None."""
    depth = 0
    for i in range(start, len(stream)):
        if stream[i].kind == "op":
            if depth == 0 and stream[i].text == text:
                return i
            depth += {"%(": 1, "%)": -1}.get(stream[i].text, 0)
    return None


def _macro_arguments(stream: Sequence[Token], at: int, macro: _Macro) -> tuple[list[list[Token]], int]:
    """Return the arguments of a macro call and the index after the call."""
    use = stream[at]
    at += 1
    if not macro.params and (at >= len(stream) or stream[at].text != "("):
        return [], at
    if at >= len(stream) or stream[at].text != "(" or stream[at].kind != "op":
        raise ScriptError(f"{use.text} takes {len(macro.params)} arguments", use.at)
    args: list[list[Token]] = [[]]
    depth = 0
    for i in range(at + 1, len(stream)):
        token = stream[i]
        if token.kind == "op" and token.text in ")]}" and depth == 0 and token.text == ")":
            found = args if args != [[]] or len(macro.params) == 1 else []
            if len(found) != len(macro.params):
                raise ScriptError(f"{use.text} takes {len(macro.params)} arguments, not {len(found)}", use.at)
            return found, i + 1
        if token.kind == "op":
            depth += (token.text in ("(", "[", "{", "%(")) - (token.text in (")", "]", "}", "%)"))
        if token.kind == "op" and token.text == "," and depth == 0:
            args.append([])
        else:
            args[-1].append(token)
    raise ScriptError(f"there is no ) for the ( of {use.text}", use.at)


def _joined(stream: Sequence[Token]) -> list[Token]:
    """Join adjacent strings."""
    out: list[Token] = []
    for token in stream:
        if token.kind == "string" and out and out[-1].kind == "string":
            out[-1] = Token("string", out[-1].text + token.text, out[-1].at, out[-1].glued)
        else:
            out.append(token)
    return out
