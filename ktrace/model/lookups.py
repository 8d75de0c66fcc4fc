"""Lookups: what is known of a kernel beside the records that it made."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Lookups:
    """Each is asked once for a value, not once a row.

    Attributes:
        symbol: the name at an address, such as `vfs_read`, and with an offset where the second argument
            says so (`vfs_read+0x4/0x370`); with a module's ` [name]`. None where there is none.
        text: the string at an address of the kernel (`printk_formats`); None where it is not known.
        constant: the value of a name that the kernel's headers give (an enum's); None where not known.
        call_texts: whether the kernel records the texts that arguments of system calls point at; such a
            kernel prints system calls in other words.
    """

    symbol: Callable[[int, bool], str | None] = lambda _address, _offset: None
    text: Callable[[int], str | None] = lambda _address: None
    constant: Callable[[str], int | None] = lambda _name: None
    call_texts: bool = False


NO_LOOKUPS = Lookups()
"""Nothing is known but the records."""
