"""Strings in the kernel that records only point to: `printk_formats`, `0xADDRESS : "text"` a line."""

import re
from collections.abc import Callable

_LINE = re.compile(r'^0x([0-9a-f]+) : "(.*)"$', re.MULTILINE)
_ESCAPE = re.compile(r'\\([nt"])')


class PrintkFormats:
    """The strings by address; loaded when the first one is asked for.

    Args:
        load: returns the file's text.
    """

    def __init__(self, load: Callable[[], str]) -> None:
        self._load = load
        self._texts: dict[int, str] | None = None

    def __call__(self, address: int) -> str | None:
        """Return the string at an address, or None."""
        if self._texts is None:
            self._texts = {int(at, 16): _plain(text) for at, text in _LINE.findall(self._load())}
        return self._texts.get(address)


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text)
