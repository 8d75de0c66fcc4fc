"""String functions."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ktrace.script.runtime.arithmetic import HIGH, LOW
from ktrace.script.runtime.faults import Fault
from ktrace.script.runtime.state import State

_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r" \t\n\r\f\v",
    "blank": r" \t",
    "xdigit": "0-9a-fA-F",
    "punct": r"!-/:-@\[-`{-~",
    "print": r" -~",
    "graph": r"!-~",
    "cntrl": r"\x00-\x1f\x7f",
}


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """By name."""
    matcher = Matcher()
    tokenizer = _Tokenizer()
    return {
        "substr": _substr,
        "stringat": _stringat,
        "isinstr": lambda text, part: int(part in text),
        "strtol": _strtol,
        "str_replace": lambda text, old, new: (text.replace(old, new) if old else text)[
            : state.limits.MAXSTRINGLEN - 1
        ],
        "isdigit": lambda text: int(text.isascii() and text.isdigit()),
        "tolower": lambda text: "".join(c.lower() if c.isascii() else c for c in text),
        "toupper": lambda text: "".join(c.upper() if c.isascii() else c for c in text),
        "text_str": _text_str,
        "text_strn": _text_strn,
        "tokenize": tokenizer.next,
        "matched": matcher.group,
        "ngroups": matcher.count,
        "matched_str": lambda: matcher.group(0),
        "regex": matcher.match,
        "bytes_to_string": lambda n: _sized(n, 1),
        "pages_to_string": lambda n: _sized(n, 4096),
        "msecs_to_string": lambda n: _clock(n, 1000),
        "usecs_to_string": lambda n: _clock(n, 1_000_000),
        "nsecs_to_string": lambda n: _clock(n, 1_000_000_000),
        "cputime_to_string": lambda n: _clock(n, 1_000_000_000),
    }


class Matcher:
    """`=~`, and what the last one matched."""

    def __init__(self) -> None:
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._last: re.Match[str] | None = None

    def match(self, pattern: str, text: str) -> bool:
        """Whether a pattern is found in a text."""
        compiled = self._patterns.get(pattern) or self._patterns.setdefault(pattern, compile_regex(pattern))
        found = compiled.search(text)
        if found:
            self._last = found
        return found is not None

    def group(self, number: int) -> str:
        """`matched(n)`."""
        if self._last is None or not 0 <= number <= self._last.re.groups:
            return ""
        return self._last[number] or ""

    def count(self) -> int:
        """`ngroups()`: groups and the whole."""
        return 0 if self._last is None else self._last.re.groups + 1


def compile_regex(pattern: str) -> re.Pattern[str]:
    """A POSIX extended expression as Python's. Raises re.error."""

    def inside(match: re.Match[str]) -> str:
        name = match[1]
        if name not in _CLASSES:
            raise re.error(f"there is no class [:{name}:]")
        return _CLASSES[name]

    text = re.sub(r"\[:(\w*):\]", inside, pattern)
    # Within [] a backslash and a [ mean themselves.
    text = re.sub(r"(?<!\\)\[(\^?\]?[^\]]*)\]", lambda m: f"[{_bracket(m[1])}]", text)
    text = re.sub(r"(?<!\\)\(\?", r"(\\?", text)
    text = re.sub(r"\$(?=\)|\||\Z)", r"\\Z", text)
    return re.compile(text, re.DOTALL)


def _bracket(body: str) -> str:
    head = "^" if body.startswith("^") else ""
    rest = body[len(head) :]
    if rest.startswith("]"):
        rest = "\\" + rest
    return head + rest.replace("[", "\\[").replace("&&", "&\\&").replace("||", "|\\|").replace("~~", "~\\~")


class _Tokenizer:
    """`tokenize(text, delimiters)`, then `tokenize("", delimiters)` for what follows."""

    def __init__(self) -> None:
        self._rest = ""
        self._delimiters = ""

    def next(self, text: str, delimiters: str | None = None) -> str:
        if delimiters is None:
            text, delimiters = "", text
        if text:
            self._rest = text
        rest = self._rest.lstrip(delimiters) if delimiters else self._rest
        end = next((i for i, ch in enumerate(rest) if ch in delimiters), len(rest))
        self._rest = rest[end + 1 :]
        return rest[:end]


def _substr(text: str, start: int, length: int) -> str:
    return text[start : start + length] if start >= 0 and length > 0 else ""


def _stringat(text: str, at: int) -> int:
    if not 0 <= at < len(text):
        return 0
    value = ord(text[at])
    return value - 256 if value > 127 else value


def _strtol(text: str, base: int) -> int:
    """As C's strtol; what is no number is 0."""
    if base not in (0, *range(2, 37)):
        return 0
    match = re.match(r"\s*([-+]?)(0[xX])?(\w*)", text)
    assert match
    sign, prefix, digits = match.groups()
    if base == 0:
        base = 16 if prefix else 8 if digits.startswith("0") else 10
    elif prefix and base != 16:
        digits = "0"
    value = 0
    for ch in digits.lower():
        digit = int(ch, 36) if ch.isascii() and ch.isalnum() else 99
        if digit >= base:
            break
        value = value * base + digit
    return max(-value, LOW) if sign == "-" else min(value, HIGH)


_SHOWN = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
_SHOWN |= {'"': '\\"', "\\": "\\\\"}


def _text_str(text: str) -> str:
    """Everything that is not printable escaped."""
    return "".join(_SHOWN.get(c) or (c if " " <= c <= "~" else f"\\{ord(c):03o}") for c in text)


def _text_strn(text: str, length: int, quoted: int) -> str:
    if length <= 0:
        raise Fault("text_strn: a length above 0 is needed")
    shown = _text_str(text[:length])
    dots = "..." if len(text) > length else ""
    return f'"{shown}"{dots}' if quoted else shown + dots


def _sized(count: int, unit: int) -> str:
    """Bytes with a unit, two places behind the point."""
    size = count * unit
    for name, shift in (("G", 30), ("M", 20), ("k", 10)):
        if size >> shift > 0:
            return f"{size >> shift}.{(size % (1 << shift)) * 100 >> shift:02d}{name}"
    return f"{size}"


def _clock(count: int, per_second: int) -> str:
    """Minutes, seconds and milliseconds: `0m05.123`."""
    ms = count * 1000 // per_second
    return f"{ms // 60000}m{ms // 1000 % 60:02d}.{ms % 1000:03d}"
