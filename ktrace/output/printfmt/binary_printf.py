"""Format the records of trace_printk: the address of a format, and its arguments as vbin_printf packed them.

The kernel packs an argument as its conversion says (lib/vsprintf.c, vbin_printf and bstr_printf): a
character in 1 byte, a short in 2, an int in 4, 64 bits in 8, each aligned to its size but to at most 4.
A text is copied with its NUL. What a pointer points to is formatted at once and stored as text (since
Linux 4.16), except for symbols and plain addresses.
"""

import re

from ktrace.model.lookups import Lookups
from ktrace.output.printfmt.cint import Machine
from ktrace.output.printfmt.lexer import NotUnderstood
from ktrace.output.printfmt.spell import UNKNOWN, spell
from ktrace.output.printfmt.template import Spec, split

_SYMBOLS = ("S", "s", "F", "f")
"""First letters after `%p` of what is always stored as an address."""
_PLAIN = {
    "x": re.compile(rb"[0-9a-f]{8,16}"),
    "K": re.compile(rb"[0-9a-f]{8,16}|\(.*\)"),
    "e": re.compile(rb"-E[A-Z0-9]+|-?[0-9a-f]+|\(.*\)"),
}
"""The texts by first letter of what only some kernels store as text, others as an address."""


class BinaryPrintf:
    """Formats messages, and remembers the formats that it has seen.

    Args:
        lookups: the formats at addresses, symbols, and how the traced machine stores numbers.
    """

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._machine = Machine(lookups.long, lookups.big_endian)
        self._split: dict[str, list[str | Spec]] = {}

    def text(self, address: int, packed: bytes) -> str | None:
        """Return the message; None if the format at that address is not known.

        Arguments that the record does not hold are `(?)`.
        """
        form = self._lookups.text(address)
        if form is None:
            return None
        parts = self._split.get(form)
        if parts is None:
            try:
                parts = split(form, self._machine)
            except NotUnderstood:  # longer than any format
                parts = [form]
            self._split[form] = parts
        args = _Packed(packed, self._machine)
        return "".join(part if isinstance(part, str) else self._argument(part, args) for part in parts)

    def _argument(self, spec: Spec, args: "_Packed") -> str:
        try:
            stars = tuple(args.integer(4, signed=True) for _ in range(spec.stars))
            if spec.conversion == "s" or (spec.conversion == "p" and self._is_text(spec, args)):
                text = args.text()
                return text if spec.conversion == "p" else spell(spec, text, stars, self._lookups)
            if spec.conversion == "?":
                args.end()  # the kernel stops at what it does not know
                return spec.text
            size = self._machine.long if spec.conversion == "p" else 1
            if spec.type is not None:
                size = spec.type.bits // 8
            return spell(spec, args.integer(size), stars, self._lookups)
        except EOFError:
            return UNKNOWN

    def _is_text(self, spec: Spec, args: "_Packed") -> bool:
        """Return whether a pointer was formatted when it was recorded.

        Older kernels store the address of everything, and kernels 4.16 to 5.2 the text of `%px`, too. The
        bytes tell: those of a kernel's address are not all printable.
        """
        letter = spec.extension[:1]
        if not letter or (letter in _SYMBOLS and spec.extension[:2] != "fw"):
            return False
        text = args.printable()
        plain = _PLAIN.get(letter)
        return bool(text) and (plain is None or plain.fullmatch(text) is not None)


class _Packed:
    """Reads packed arguments one after the other. Each method raises EOFError when there are no more."""

    def __init__(self, data: bytes, machine: Machine) -> None:
        self._data = data
        self._machine = machine
        self._at = 0

    def integer(self, size: int, *, signed: bool = False) -> int:
        align = min(size, 4)
        at = -(-self._at // align) * align
        raw = self._data[at : at + size]
        if len(raw) < size:
            self.end()
            raise EOFError
        self._at = at + size
        return int.from_bytes(raw, self._machine.order, signed=signed)

    def text(self) -> str:
        end = self._data.find(b"\0", self._at)
        if end < 0:
            self.end()
            raise EOFError
        raw = self._data[self._at : end]
        self._at = end + 1
        return raw.decode("utf-8", "surrogateescape")

    def printable(self) -> bytes:
        """Return the text that follows, without taking it; empty if it is not all printable."""
        text, nul, _ = self._data[self._at :].partition(b"\0")
        return text if nul and all(32 <= byte < 127 for byte in text) else b""

    def end(self) -> None:
        self._at = len(self._data)
