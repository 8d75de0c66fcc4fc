"""Format one value by one conversion, as the kernel's vsnprintf does.

This code is plain and slow; faster code must give the same result.
"""

from ktrace.model.lookups import Lookups
from ktrace.output.printfmt.addresses import COUNTED, PLAIN, spell_address
from ktrace.output.printfmt.system_calls import spell_special
from ktrace.output.printfmt.template import WIDEST, Spec
from ktrace.output.printfmt.values import text_of

UNKNOWN = "(?)"
"""Shown instead of a value that only the kernel can compute."""


def spell(spec: Spec, value: object, stars: tuple[int, ...], lookups: Lookups) -> str:
    """Format `value` by `spec`.

    Args:
        value: an int, a str (None: a null pointer), or the bytes that a pointer points to.
        stars: the value for each `*`.
        lookups: the symbols and texts at addresses.
    """
    special = spell_special(spec.conversion, value, stars)
    if special is not None:
        return special
    width, precision = _wides(spec, stars)
    left = spec.left or (width is not None and width < 0)
    width = abs(width or 0)
    match spec.conversion:
        case "s":
            return _pad(_text(value, precision, lookups), width, left)
        case "c":
            text = value if isinstance(value, str) else chr_of(value) if isinstance(value, int) else UNKNOWN
            return _pad(text[:1], width, left)
        case "p":
            return _pointer(spec, value, width, lookups, left)
        case "?":
            return spec.text
    if not isinstance(value, int) or spec.type is None:
        return UNKNOWN
    return _integer(spec, spec.type.wrap(value), width, precision, left)


def chr_of(value: int) -> str:
    """Return a character as the kernel prints it: one byte."""
    return bytes([value & 0xFF]).decode("utf-8", "surrogateescape")


def _wides(spec: Spec, stars: tuple[int, ...]) -> tuple[int | None, int | None]:
    given = iter(stars)
    width = next(given) if spec.width == "*" else spec.width
    precision = next(given) if spec.precision == "*" else spec.precision
    if width is not None:
        width = max(-WIDEST, min(width, WIDEST))
    return width, None if precision is None else max(precision, 0)


def _pad(text: str, width: int, left: bool) -> str:
    # C counts the width in bytes.
    blanks = " " * (width - (len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))))
    return text + blanks if left else blanks + text


def _text(value: object, precision: int | None, lookups: Lookups) -> str:
    text = text_of(value, lookups)
    text = "(null)" if text is None else text
    if precision is None:
        return text
    if text.isascii():
        return text[:precision]
    return text.encode("utf-8", "surrogateescape")[:precision].decode("utf-8", "surrogateescape")


def _pointer(spec: Spec, value: object, width: int, lookups: Lookups, left: bool) -> str:
    given = None if spec.width is None else width
    found = spell_address(spec.extension, value, given, lookups)
    if found is not None:
        return _pad(found, 0 if spec.extension[:1] in COUNTED else width, left)
    if not isinstance(value, int) or spec.extension not in PLAIN:
        return UNKNOWN
    digits = 2 * lookups.long
    value &= (1 << 4 * digits) - 1
    if spec.prefix:
        return _pad(f"0x{value:0{digits}x}", width, left)
    return _pad(f"{value:x}", width, left) if width and not spec.zero else f"{value:0{width or digits}x}"


def _integer(spec: Spec, value: int, width: int, precision: int | None, left: bool) -> str:
    sign = "-" if value < 0 else "+" if spec.plus else " " if spec.space else ""
    if spec.type is None or not spec.type.signed:
        sign = ""
    base = {"d": "d", "u": "d", "x": "x", "X": "X", "o": "o"}[spec.conversion]
    digits = f"{abs(value):{base}}"
    prefix = ""
    if spec.prefix and base in "xX":
        prefix = "0" + base
    elif spec.prefix and base == "o" and value:
        prefix = "0"
    digits = digits.rjust(min(precision or 0, WIDEST), "0")
    if spec.zero and not left:
        digits = digits.rjust(width - len(sign) - len(prefix), "0")
    return _pad(sign + prefix + digits, width, left)
