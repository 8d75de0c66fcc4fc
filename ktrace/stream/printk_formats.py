"""Strings in the kernel that records only point to: `printk_formats`, `0xADDRESS : "text"` a line."""

import re
from collections.abc import Callable

_LINE = re.compile(r'^0x([0-9a-f]+) : "(.*)"$', re.MULTILINE)
_MISSING_MAX = 64  # with more unknown addresses, they are not formats: stop looking
_ESCAPE = re.compile(r'\\([nt"])')


class PrintkFormats:
    """The strings by address; loaded when the first one is asked for.

    Args:
        load: returns the file's text.
        changing: whether the text grows, as that of a running kernel does with each module that is loaded:
            load it again for an address that is not in it.
    """

    def __init__(self, load: Callable[[], str], *, changing: bool = False) -> None:
        self._load = load
        self._changing = changing
        self._texts: dict[int, str] | None = None
        self._missing: set[int] = set()

    def __call__(self, address: int) -> str | None:
        """Return the string at an address, or None."""
        if self._texts is None:
            self._texts = self._read()
        elif self._changing and address not in self._texts and address not in self._missing:
            self._texts |= self._read()
        if address not in self._texts:
            if len(self._missing) > _MISSING_MAX:
                self._changing = False
            self._missing.add(address)
        return self._texts.get(address)

    def _read(self) -> dict[int, str]:
        return {int(at, 16): _plain(text) for at, text in _LINE.findall(self._load())}


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text)
