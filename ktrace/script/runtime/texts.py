"""String functions."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ktrace.script.language.arithmetic import wrap
from ktrace.script.language.faults import Fault
from ktrace.script.runtime.state import UNREAD, State

if TYPE_CHECKING:
    from ktrace.model.patterns.regex import Regex


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name."""
    matcher = Matcher()
    tokenizer = _Tokenizer()

    told: set[str] = set()

    def wide(units: Sequence[int]) -> str:
        if 0 in units:
            return _utf8(units[: units.index(0)])[: state.limits.MAXSTRINGLEN - 1]
        if "wide" not in told:
            told.add("wide")
            state.warn(f"WARNING: text of UTF-16 and UTF-32 is cut after {len(units)} numbers")
        return _utf8(units)[: state.limits.MAXSTRINGLEN - 1]

    def warned(value: int, text: str, name: str) -> int:
        if _is_unread(value, text):
            state.warn(f"WARNING: {name}: {_NOT_READ}")
            return 0
        return value

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
        "text_str": text_str,
        "text_strn": _text_strn,
        "tokenize": tokenizer.next,
        "__ktrace_checked": _checked,
        "__ktrace_checked_text": _checked_text,
        "__ktrace_warned": warned,
        "__ktrace_wide": wide,
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


_CHARACTERS, _WRONG = 0x110000, "\ufffd"
_MARKS = frozenset(int.from_bytes(b"(fault)\0"[:size], sys.byteorder) for size in (1, 2, 4, 8))
_NOT_READ = "the memory at the address could not be read"


def _is_unread(value: int, text: str) -> bool:
    """Return whether neither a number nor the text at its address could be read.

    The kernel leaves any number in its place. If the memory holds its own mark, that number is the mark.
    """
    return text is UNREAD and value not in _MARKS


def _checked(value: int, text: str, name: str) -> int:
    """Return a number. Raises Fault if it could not be read."""
    if _is_unread(value, text):
        raise Fault(f"{name}: {_NOT_READ}")
    return value


def _checked_text(text: str, name: str) -> str:
    """Return a text. Raises Fault if it could not be read."""
    if text is UNREAD:
        raise Fault(f"{name}: {_NOT_READ}")
    return text


def _utf8(units: Sequence[int]) -> str:
    """Return text of UTF-16 or UTF-32 as UTF-8, each byte a character. A wrong number becomes U+FFFD."""
    pairs = "".join(chr(one) if one < _CHARACTERS else _WRONG for one in units)
    text = pairs.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.encode("utf-8").decode("latin-1")


class Matcher:
    """The `=~` operator and its last match."""

    def __init__(self) -> None:
        self._patterns: dict[str, Regex] = {}
        self._last: tuple[Regex, str] | None = None
        self._groups: tuple[tuple[int, int] | None, ...] | None = None

    def match(self, pattern: str, text: str) -> bool:
        """Return whether a pattern is found in a text."""
        from ktrace.model.patterns.regex import Regex  # noqa: PLC0415 -- few scripts match patterns

        compiled = self._patterns.get(pattern) or self._patterns.setdefault(pattern, Regex(pattern))
        found = compiled.search(text)
        if found:
            self._last = (compiled, text)
            self._groups = None
        return found

    def group(self, number: int) -> str:
        """Return the text of `matched(n)`. Raises Fault for a group that the pattern does not have."""
        if self._last is None or not 0 <= number <= self._last[0].groups:
            raise Fault(f"Attempted to get nonexistent subexpression {number}")
        regex, text = self._last
        if self._groups is None:
            self._groups = regex.spans(text) or ()  # slower than the search, and rarely needed
        span = self._groups[number]
        return text[slice(*span)] if span else ""

    def count(self) -> int:
        """Return `ngroups()`: the number of groups, plus one for the whole match."""
        return 0 if self._last is None else self._last[0].groups + 1


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
    """Parse a number like the kernel's simple_strtol, which SystemTap calls. Other text gives 0.

    Leading spaces and plus signs are not allowed, digits go up to hexadecimal ones, and the result wraps to
    64 bits.
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


def text_str(text: str) -> str:
    """Escape all characters that are not printable ASCII."""
    return "".join(_SHOWN.get(c) or (c if " " <= c <= "~" else f"\\{ord(c):03o}") for c in text)


def _text_strn(text: str, length: int, quoted: int) -> str:
    length = length if length > 0 else len(text)
    shown = text_str(text[:length])
    dots = "..." if len(text) > length else ""
    return f'"{shown}"{dots}' if quoted else shown + dots


def _sized(count: int, unit: int) -> str:
    """Format a size with a unit in five columns, with three digits if it has a decimal point."""
    size = count * unit
    if size < 1024:
        return f"{size:5d}"
    shift, name = next(((s, n) for s, n in ((10, "K"), (20, "M")) if size < 1024 << s), (30, "G"))
    whole, rest = size >> shift, (size % (1 << shift)) >> (shift - 10)
    if whole < 10:
        return f"{whole}.{rest * 100 // 1024:02d}{name}"
    return f"{whole}.{rest * 10 // 1024}{name}" if whole < 100 else f"{whole:4d}{name}"


def _clock(count: int, places: int) -> str:
    """Format minutes and seconds with `places` decimals, as in `0m5.123s`."""
    seconds, rest = divmod(count, 10**places)
    return f"{seconds // 60}m{seconds % 60}.{rest:0{places}d}s"
