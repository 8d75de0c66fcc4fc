"""Functions on numbers."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from ktrace.model.errno_names import ERRNO_NAMES
from ktrace.script.runtime.state import State
from ktrace.script.runtime.texts import text_str

_AF_INET = 2
_ERRNO_MAX = 133  # SystemTap has no names for those that programs never see


def functions(_state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name."""
    return {
        "errno_str": errno_str,
        "return_str": return_str,
        "htons": _swap(2),
        "ntohs": _swap(2),
        "htonl": _swap(4),
        "ntohl": _swap(4),
        "htonll": _swap(8),
        "ntohll": _swap(8),
        "ip_ntop": lambda address: _ip(address, 2),
        "format_ipaddr": _ip,
        "__ktrace_ip6_ntop": _ip6,
        "MAJOR": lambda dev: (dev >> 20) & 0xFFF,
        "MINOR": lambda dev: dev & 0xFFFFF,
        "MKDEV": lambda major, minor: ((major & 0xFFF) << 20) | (minor & 0xFFFFF),
        "mem_page_size": lambda: 4096,
        "randint": lambda n: random.randrange(n) if n > 0 else 0,
        "character": _character,
        "octal": lambda value: f"0{value:o}",
        "binary": _binary,
        "narrow": lambda value: max(min(value, 8192), -8192),
    }


def errno_str(number: int) -> str:
    """Return the name of an error number of either sign, such as ENOENT; an empty string if unknown."""
    number = abs(number)
    return ERRNO_NAMES.get(number, "") if number <= _ERRNO_MAX else ""


def return_str(form: int, value: int) -> str:
    """Format a return value like strace, as in `-2 (ENOENT)`. `form` 1 is decimal, 2 hex, 3 octal."""
    if value < 0 and errno_str(value):
        return f"{value} ({errno_str(value)})"
    if form == 2:
        return f"0x{value & (1 << 64) - 1:x}"
    return f"0{value & (1 << 64) - 1:o}" if form == 3 else str(value)


def _character(value: int) -> str:
    """Return a byte as `%#c` prints it: `\\t`, `\\000`, `\\'`."""
    character = chr(value & 255)
    if character in "'\\":
        return f"\\{character}"
    return character if character == '"' else text_str(character)


def _binary(value: int, size: int) -> str:
    return (value & ((1 << 8 * size) - 1)).to_bytes(size, "little").decode("latin-1")


def _swap(size: int) -> Callable[[int], int]:
    """Return a function that swaps bytes. Network order is big endian, the supported CPUs are little."""

    def swap(value: int) -> int:
        raw = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
        return int.from_bytes(raw, "big", signed=size == 8)

    return swap


def _ip(address: int, family: int) -> str:
    """Format an IPv4 address in memory order. Of an IPv6 address, only 64 bits are known."""
    if family != _AF_INET:
        return f"0x{address & (1 << 64) - 1:x}"
    return ".".join(map(str, (address & 0xFFFFFFFF).to_bytes(4, "little")))


def _ip6(*words: int) -> str:
    """Format an IPv6 address of four 32-bit words in memory order."""
    import socket

    return socket.inet_ntop(socket.AF_INET6, b"".join((w & 0xFFFFFFFF).to_bytes(4, "little") for w in words))
