"""Translate printf formats to Python's `%` operator when the script is compiled."""

import re
from collections.abc import Sequence

from ktrace.records import dataclass
from ktrace.script.language.ast import Kind
from ktrace.script.language.source import ScriptError, Spot

_DIRECTIVE = re.compile(
    r"%(?P<flags>[-+ #0]*)(?P<width>\d+|\*)?(?:\.(?P<precision>\d+|\*)?(?P<dot>))?(?:hh?|ll?|L)?(?P<kind>.?)",
    re.DOTALL,
)
_WIDTH_MAX = 8192  # SystemTap's buffer for one message
_DIGITS_MAX = 9
_UNSIGNED = "0xFFFFFFFFFFFFFFFF"


@dataclass(frozen=True, slots=True)
class Format:
    """A Python format.

    Attributes:
        text: the format for the `%` operator.
        wraps: for each argument, a Python expression to wrap it in, with `{}` in place of the argument.
    """

    text: str
    wraps: tuple[str, ...]


def read_format(text: str, kinds: Sequence[Kind], at: Spot) -> Format:
    """Translate a format, given the types of its arguments.

    Raises:
        ScriptError: a directive is unknown, or the arguments do not match.
    """
    out: list[str] = []
    wraps: list[str] = []
    end = 0
    for match in _DIRECTIVE.finditer(text):
        out.append(text[end : match.start()])
        end = match.end()
        if match["kind"] == "%":
            out.append("%%")
            continue
        out.append(_directive(match, kinds, wraps, at))
    out.append(text[end:])
    if len(wraps) < len(kinds):
        raise ScriptError(f"the format takes {len(wraps)} values, {len(kinds)} are given", at)
    return Format("".join(out), tuple(wraps))


def wanted_kinds(text: str) -> list[Kind]:
    """Return the types that a format expects, as far as it can be parsed."""
    found: list[Kind] = []
    for match in _DIRECTIVE.finditer(text):
        found += ["long"] * ((match["width"] == "*") + (match["precision"] == "*"))
        if match["kind"] != "%":
            found.append("string" if match["kind"] in ("s", "m", "M") else "long")
    return found


def _directive(match: re.Match[str], kinds: Sequence[Kind], wraps: list[str], at: Spot) -> str:
    flags, width, kind = match["flags"], match["width"] or "", match["kind"]
    precision = "" if match["dot"] is None else "." + (match["precision"] or "0")
    for part in (width, precision.removeprefix(".")):
        if part == "*":
            _take("long", kinds, wraps, "narrow({})", at)
        elif len(part) > _DIGITS_MAX or int(part or 0) > _WIDTH_MAX:
            raise ScriptError(f"a width of {part} is more than {_WIDTH_MAX}", at)
    if kind not in ("d", "i"):
        flags = flags.replace("+", "").replace(" ", "")  # these flags apply to signed numbers only
    if kind in "di" and kind:
        _take("long", kinds, wraps, "{}", at)
        return f"%{flags}{width}{precision}d"
    if kind == "s":
        _take("string", kinds, wraps, "{}", at)
        return f"%{flags.replace('0', '')}{width}{precision}s"
    if kind == "c":
        if "#" in flags:
            _take("long", kinds, wraps, "character({})", at)
            return f"%{flags.replace('#', '').replace('0', '')}{width}s"
        _take("long", kinds, wraps, "({} & 255)", at)
        return f"%{flags}{width}c"
    if kind == "u":
        _take("long", kinds, wraps, f"({{}} & {_UNSIGNED})", at)
        return f"%{flags}{width}{precision}d"
    if kind in ("x", "X", "p"):
        _take("long", kinds, wraps, f"({{}} & {_UNSIGNED})", at)
        # Since SystemTap 1.3 %p is %#x.
        if kind == "p":
            flags, kind = flags.replace("#", "") + "#", "x"
        return f"%{flags}{width}{precision}{kind}"
    if kind == "o":
        _take("long", kinds, wraps, f"({{}} & {_UNSIGNED})", at)
        if "#" in flags:
            wraps[-1] = f"octal({wraps[-1]})"
            return f"%{flags.replace('#', '').replace('0', '')}{width}s"
        return f"%{flags}{width}{precision}o"
    if kind == "b":
        size = int(width or 8) if width != "*" else 8
        if size not in (1, 2, 4, 8):
            raise ScriptError("%b writes 1, 2, 4 or 8 bytes", at)
        _take("long", kinds, wraps, f"binary({{}}, {size})", at)
        return "%s"
    if kind in ("m", "M"):
        raise ScriptError(
            f"%{kind} reads memory when it prints; the probe has gone by then",
            at,
            hint="kernel_string_n($x, n) or $x->member, read at the probe",
        )
    raise ScriptError(f"there is no directive '{match[0]}'", at, hint="%d %i %u %x %X %o %p %s %c %b %%")


def _take(kind: Kind, kinds: Sequence[Kind], wraps: list[str], wrap: str, at: Spot) -> None:
    index = len(wraps)
    if index >= len(kinds):
        raise ScriptError(f"the format takes more than the {len(kinds)} values given", at)
    if kinds[index] != kind:
        words = {"long": "a number", "string": "a string", "stats": "an aggregate"}
        raise ScriptError(
            f"value {index + 1} of this format is {words[kinds[index]]}, {words[kind]} is expected",
            at,
            hint="%d for numbers, %s for strings",
        )
    wraps.append(wrap)
