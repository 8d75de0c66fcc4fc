"""Parse the kernel's event filters from text to a tree.

    filter := and { '||' and } ;  and := not { '&&' not } ;  not := ['!'] ( '(' filter ')' | pred )
    pred   := FIELD OP VALUE ;    OP := == != < <= > >= & ~
    VALUE  := number | "text" | 'text' | CPUS{list}

See Documentation/trace/events.rst, "Event filtering".
"""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from ktrace.errors import UsageError

Op = Literal["==", "!=", "<", "<=", ">", ">=", "&", "~"]
Value: TypeAlias = int | str | frozenset[int]


@dataclass(frozen=True, slots=True)
class Pred:
    """A comparison; `at` and `op_at` are offsets in the text."""

    field: str
    at: int
    op: Op
    op_at: int
    value: Value


@dataclass(frozen=True, slots=True)
class Join:
    """A combination: `op` is && or ||, or ! with one part."""

    op: str
    parts: "tuple[Node, ...]"


Node: TypeAlias = Pred | Join


def parse_filter(text: str) -> Node:
    """Parse a filter.

    Raises:
        UsageError: the filter has a syntax error; the caret shows where.
    """
    return _Parser(text).parse()


def problem(expression: str, at: int, message: str, hint: str | None = None) -> UsageError:
    """Return an error for a place in a filter."""
    return UsageError(message, excerpt=expression, caret=at, hint=hint)


_BLANK = re.compile(r"\s*")
_FIELD = re.compile(r"[A-Za-z_]\w*")
_OP = re.compile(r"==|!=|<=|>=|<|>|&(?!&)|~")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_CPUS = re.compile(r"CPUS\{([^}]*)\}")
_CPU_RANGE = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?\Z", re.ASCII)
_WORD = re.compile(r"[-+]?\w+")
_LONGEST = 4096  # characters of a string: the kernel takes no longer filter
_MOST_CPUS = 1 << 13
_DEEPEST = 100  # nesting of parentheses and !


class _Parser:
    """A recursive descent parser for one filter."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._blank()

    def parse(self) -> Node:
        node = self._or()
        if self._at < len(self._text):
            what = "a ) without its (" if self._text[self._at] == ")" else "&& or || should be here"
            raise self._error(what)
        return node

    def _or(self) -> Node:
        parts = [self._and()]
        while self._take("||"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Join("||", tuple(parts))

    def _and(self) -> Node:
        parts = [self._not()]
        while self._take("&&"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else Join("&&", tuple(parts))

    def _not(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error("nested too deeply")
        node = self._part()
        self._depth -= 1
        return node

    def _part(self) -> Node:
        opened = self._at
        if self._take("!"):
            return Join("!", (self._not(),))
        if self._take("("):
            node = self._or()
            if not self._take(")"):
                raise problem(self._text, opened, "this ( is not closed")
            return node
        return self._pred()

    def _pred(self) -> Pred:
        at = self._at
        field = self._match(_FIELD)
        if not field:
            raise self._error("a field's name should be here")
        if self._text[self._at : self._at + 1] == ".":
            raise self._error(
                f"{field[0]}. is for the kernel's own filters: a recording has no pointers to follow"
            )
        op_at = self._at
        op = self._match(_OP)
        if not op:
            raise self._error("an operator should be here: == != < <= > >= & ~")
        value_at = self._at
        value = self._value()
        text_only, number_only = op[0] == "~", op[0] not in ("==", "!=", "~")
        if text_only and not isinstance(value, str):
            raise problem(self._text, value_at, "~ compares with a quoted pattern")
        if number_only and isinstance(value, str):
            raise problem(self._text, op_at, f"{op[0]} does not compare text", "== != ~ do")
        if isinstance(value, frozenset) and op[0] not in ("==", "!=", "&"):
            raise problem(self._text, op_at, f"{op[0]} does not compare sets of CPUs", "== != & do")
        return Pred(field[0], at, cast(Op, op[0]), op_at, value)

    def _value(self) -> Value:
        at = self._at
        if self._text[at : at + 1] in ('"', "'"):
            quoted = self._match(_QUOTED)
            if not quoted:
                raise self._error("this quote is not closed")
            if len(quoted[0]) > _LONGEST:
                raise problem(
                    self._text, at, f"a text of {len(quoted[0])} characters", "up to 4096 are compared"
                )
            return str(quoted[1] if quoted[1] is not None else quoted[2])
        cpus = self._match(_CPUS)
        if cpus:
            return self._cpus(cpus[1], at)
        word = self._match(_WORD)
        if not word:
            raise self._error("a value should be here")
        number = _number(word[0])
        if number is None:
            raise problem(self._text, at, f"{word[0]} is not a number", "text is quoted")
        return number

    def _cpus(self, text: str, at: int) -> frozenset[int]:
        cpus: set[int] = set()
        for piece in text.split(","):
            one = _CPU_RANGE.match(piece)
            first, last = (int(one[1]), int(one[2] or one[1])) if one else (1, 0)
            if not first <= last < _MOST_CPUS:
                raise problem(self._text, at, "not a list of CPUs", "CPUS{0-3,5}")
            cpus.update(range(first, last + 1))
        return frozenset(cpus)

    def _take(self, token: str) -> bool:
        if not self._text.startswith(token, self._at):
            return False
        self._at += len(token)
        self._blank()
        return True

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()
            self._blank()
        return match

    def _blank(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        assert blank is not None
        self._at = blank.end()

    def _error(self, message: str) -> UsageError:
        return problem(self._text, self._at, message)


def _number(word: str) -> int | None:
    """Parse a number as the kernel does: hexadecimal after 0x, octal after 0, else decimal."""
    digits = word.lstrip("+-")
    base = 16 if digits[:2].lower() == "0x" else 8 if digits[:1] == "0" and len(digits) > 1 else 10
    try:
        return int(word, base) if "_" not in word else None
    except ValueError:
        return None
