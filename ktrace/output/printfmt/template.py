"""The template of a `print fmt`: literal text and conversions, as the kernel's vsnprintf reads them.

See Documentation/core-api/printk-formats.rst.
"""

import re
from dataclasses import dataclass
from typing import Literal

from ktrace.model.c_integer import CInt
from ktrace.output.printfmt.cint import MACHINE, Machine
from ktrace.output.printfmt.lexer import NotUnderstood

Wide = int | Literal["*"] | None
"""A width or precision: a number, `*` if taken from an argument, or None."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One conversion.

    Attributes:
        conversion: one of `d u x X o c s p`, or `?` if the kernel does not know it.
        type: the type that an integer argument is converted to; None for other conversions.
        extension: the letters and digits after `p`.
        text: the conversion as written in the template.
    """

    conversion: str
    type: CInt | None
    width: Wide
    precision: Wide
    extension: str
    text: str
    left: bool = False
    plus: bool = False
    space: bool = False
    prefix: bool = False
    zero: bool = False

    @property
    def stars(self) -> int:
        """Return how many arguments precede its value."""
        return (self.width == "*") + (self.precision == "*")


_SPEC = re.compile(
    r"%(?P<flags>[-+ #0]*)(?P<width>\d{1,9}|\*)?(?:\.(?P<precision>\d{1,9}|\*|))?"
    r"(?P<length>hh|h|ll|l|L|z|Z|t|j)?(?:p(?P<extension>[A-Za-z0-9]*)|(?P<conversion>[A-Za-z%]))",
    re.ASCII,
)
_BITS = {"hh": 8, "h": 16, None: 32, "ll": 64, "L": 64, "j": 64}  # all others are as wide as a long


WIDEST = 2048
"""The most characters of a template, widths included: several times what any event of the kernel has.
Without it, a crafted recording could print megabytes for each record."""


def split(template: str, machine: Machine = MACHINE) -> list[str | Spec]:
    """Return literal texts and conversions, in order. `%%` is literal.

    Raises:
        NotUnderstood: the template is longer than that of any event.
    """
    parts: list[str | Spec] = []
    at = 0

    def literal(text: str) -> None:
        if text and parts and isinstance(parts[-1], str):
            parts[-1] += text
        elif text:
            parts.append(text)

    for match in _SPEC.finditer(template):
        literal(template[at : match.start()])
        at = match.end()
        if match["conversion"] == "%":
            literal("%")
        else:
            parts.append(_spec(match, machine))
    literal(template[at:])
    if sum(len(part) if isinstance(part, str) else _widest(part) for part in parts) > WIDEST:
        raise NotUnderstood("longer than any event's")
    return parts


def _widest(spec: Spec) -> int:
    return sum(wide for wide in (spec.width, spec.precision) if isinstance(wide, int))


def _spec(match: re.Match[str], machine: Machine) -> Spec:
    flags = match["flags"]
    conversion = match["conversion"] or "p"
    ctype = None
    if conversion in "diuxXo":
        signed = conversion in "di"
        ctype = CInt(_BITS.get(match["length"], 8 * machine.long), signed)
        conversion = "d" if conversion == "i" else conversion
    elif conversion not in "csp":
        conversion = "?"
    return Spec(
        conversion,
        ctype,
        _wide(match["width"]),
        _wide(match["precision"]),
        match["extension"] or "",
        match[0],
        left="-" in flags,
        plus="+" in flags,
        space=" " in flags,
        prefix="#" in flags,
        zero="0" in flags and "-" not in flags,
    )


def _wide(text: str | None) -> Wide:
    if not text:  # the kernel takes `%.s` for `%s`
        return None
    return "*" if text == "*" else int(text)
