"""What addresses in recorded events are called: functions, and texts of the kernel."""

import re
from collections.abc import Sequence

from ktrace.stream.symbol_table import SymbolTable
from ktrace.tracedat.contents import Contents


class Addresses:
    """What addresses in events of some recordings are called, where all of them say the same.

    A kernel has other addresses on each machine, and after each boot.
    """

    def __init__(self, contents: Sequence[Contents]) -> None:
        first = contents[0] if contents else None
        same = first is not None and all(
            (c.kallsyms, c.printk_formats) == (first.kallsyms, first.printk_formats) for c in contents
        )
        self._kallsyms, self._printk = (
            (first.kallsyms, first.printk_formats) if first and same else (b"", b"")
        )
        self._symbols: SymbolTable | None = None
        self._texts: dict[int, str] | None = None

    def symbol(self, address: int, offset: bool) -> str | None:
        """The function at an address, with `offset` as `vfs_read+0x4/0x370`; None where there is none."""
        if self._symbols is None:
            self._symbols = SymbolTable(self._kallsyms)
        name = self._symbols.place(address) if offset else self._symbols.name(address)
        return None if name.startswith("0x") or name == "0" else name

    def text(self, address: int) -> str | None:
        """The string at an address, of those in `printk_formats`."""
        if self._texts is None:
            self._texts = {
                int(match[1], 16): _unescaped(match[2]) for match in _PRINTK.finditer(self._printk)
            }
        return self._texts.get(address)


# A line is `0xADDRESS : "text"`, with a backslash before what would end it, and for newline and tab.
_PRINTK = re.compile(rb'^(0x[0-9a-f]+) : "(.*)"$', re.MULTILINE)
_ESCAPES = {b"n": b"\n", b"t": b"\t"}


def _unescaped(text: bytes) -> str:
    plain = re.sub(rb"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text)
    return plain.decode("utf-8", "surrogateescape")
