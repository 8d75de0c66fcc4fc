"""Texts in the kernel's memory that records only point at: `printk_formats`, `0xADDRESS : "text"` a line."""

import re
from collections.abc import Callable

_LINE = re.compile(r'^0x([0-9a-f]+) : "(.*)"$', re.MULTILINE)
_ESCAPE = re.compile(r'\\([nt"])')


class PrintkFormats:
    """The texts by their address; read when the first one is asked for.

    Args:
        load: gives the file's text.
    """

    def __init__(self, load: Callable[[], str]) -> None:
        self._load = load
        self._texts: dict[int, str] | None = None

    def __call__(self, address: int) -> str | None:
        """The text at an address; None where there is none."""
        if self._texts is None:
            self._texts = {int(at, 16): _plain(text) for at, text in _LINE.findall(self._load())}
        return self._texts.get(address)


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text)
