"""String functions."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ktrace.script.runtime.arithmetic import wrap
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
        "isdigit": lambda text: int("0" <= text[:1] <= "9"),
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
        "msecs_to_string": lambda n: _clock(n, 3),
        "usecs_to_string": lambda n: _clock(n, 6),
        "nsecs_to_string": lambda n: _clock(n, 9),
        "cputime_to_string": lambda n: _clock(n // 10**6, 3),
    }


class Matcher:
    """`=~`, and what the last one matched."""

    def __init__(self) -> None:
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._last: re.Match[str] | None = None
        self._pattern = ""
        self._longest = True

    def match(self, pattern: str, text: str) -> bool:
        """Whether a pattern is found in a text."""
        compiled = self._patterns.get(pattern) or self._patterns.setdefault(pattern, compile_regex(pattern))
        found = compiled.search(text)
        if found:
            self._last = found
            self._pattern = pattern
            self._longest = False
        return found is not None

    def group(self, number: int) -> str:
        """`matched(n)`. Raises Fault for a group that the pattern has not."""
        if self._last is None or not 0 <= number <= self._last.re.groups:
            raise Fault(f"Attempted to get nonexistent subexpression {number}")
        if not self._longest:
            self._last = _longest(self._last, self._pattern)
            self._longest = True
        return self._last[number] or ""

    def count(self) -> int:
        """`ngroups()`: groups and the whole."""
        return 0 if self._last is None else self._last.re.groups + 1


def _longest(found: re.Match[str], pattern: str) -> re.Match[str]:
    """The longest match that begins where one was found: Python's is that of the first alternative."""
    text, start = found.string, found.start()
    within = compile_regex(pattern, at_end=False)
    for end in range(len(text), found.end(), -1):
        longer = (found.re if end == len(text) else within).fullmatch(text, start, end)
        if longer:
            return longer
    return found


def compile_regex(pattern: str, *, at_end: bool = True) -> re.Pattern[str]:
    """A POSIX extended expression as Python's; `$` is never met without `at_end`. Raises re.error."""

    def inside(match: re.Match[str]) -> str:
        name = match[1]
        if name not in _CLASSES:
            raise re.error(f"there is no class [:{name}:]")
        return _CLASSES[name]

    text = re.sub(r"\[:(\w*):\]", inside, pattern)
    # Within [] a backslash and a [ mean themselves.
    text = re.sub(r"(?<!\\)\[(\^?\]?[^\]]*)\]", lambda m: f"[{_bracket(m[1])}]", text)
    text = re.sub(r"(?<!\\)\(\?", r"(\\?", text)
    text = re.sub(r"\$(?=\)|\||\Z)", r"\\Z" if at_end else "(?!)", text)
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
        raise Fault("Position out of bounds")
    value = ord(text[at])
    return value - 256 if value > 127 else value


def _strtol(text: str, base: int) -> int:
    """As the kernel's simple_strtol, which SystemTap calls; what is no number is 0.

    Neither blanks nor a plus sign in front, no digits but hexadecimal ones, and 64 bits of what is longer.
    """
    if base not in (0, *range(2, 37)):
        return 0
    match = re.match(r"(-?)(0[xX])?(\w*)", text)
    assert match
    sign, prefix, digits = match.groups()
    if base == 0:
        base = 16 if prefix else 8 if digits.startswith("0") else 10
    elif prefix and base != 16:
        digits = "0"
    value = 0
    for ch in digits.lower():
        digit = int(ch, 16) if ch in "0123456789abcdef" else 99
        if digit >= base:
            break
        value = value * base + digit
    return wrap(-value if sign == "-" else value)


_SHOWN = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
_SHOWN |= {'"': '\\"', "\\": "\\\\"}


def _text_str(text: str) -> str:
    """Everything that is not printable escaped."""
    return "".join(_SHOWN.get(c) or (c if " " <= c <= "~" else f"\\{ord(c):03o}") for c in text)


def _text_strn(text: str, length: int, quoted: int) -> str:
    length = length if length > 0 else len(text)
    shown = _text_str(text[:length])
    dots = "..." if len(text) > length else ""
    return f'"{shown}"{dots}' if quoted else shown + dots


def _sized(count: int, unit: int) -> str:
    """Bytes with a unit, in five columns: three digits where there is a point."""
    size = count * unit
    if size < 1024:
        return f"{size:5d}"
    shift, name = next(((s, n) for s, n in ((10, "K"), (20, "M")) if size < 1024 << s), (30, "G"))
    whole, rest = size >> shift, (size % (1 << shift)) >> (shift - 10)
    if whole < 10:
        return f"{whole}.{rest * 100 // 1024:02d}{name}"
    return f"{whole}.{rest * 10 // 1024}{name}" if whole < 100 else f"{whole:4d}{name}"


def _clock(count: int, places: int) -> str:
    """Minutes, and seconds with so many places: `0m5.123s`."""
    seconds, rest = divmod(count, 10**places)
    return f"{seconds // 60}m{seconds % 60}.{rest:0{places}d}s"
