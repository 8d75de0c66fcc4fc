"""Format what `%p` and its extensions print: symbols, network and hardware addresses, UUIDs, bytes.

See Documentation/core-api/printk-formats.rst. A plain `%p` prints the address. The kernel's own text shows a
hash of it while the option `hash-ptr` is on, and nobody can read the key of that hash.
"""

import ipaddress
import struct
from collections.abc import Callable

_AF_INET, _AF_INET6 = 2, 10


def spell_address(
    extension: str,
    value: object,
    width: int,
    symbol: Callable[[int, bool], str | None],
) -> str | None:
    """Format a value by the letters after `%p`; return None if they mean a plain address.

    Args:
        extension: the letters; `n`, which is not one of the kernel's, is `s` without the module's name.
        value: an address, or the bytes at that address.
        width: the number of bytes that `%*ph` prints.
        symbol: returns the symbol of an address, with its offset or without.
    """
    letter = extension[:1]
    if letter in ("s", "S", "f", "F", "B", "n") and letter:
        if not isinstance(value, int):
            return None
        address = value & 0xFFFFFFFFFFFFFFFF
        with_offset = letter in "SFB"
        if letter == "B":  # the call instruction is before the return address
            address -= 1
        name = symbol(address, with_offset) or f"0x{address:x}"
        return name.partition(" [")[0] if letter == "n" else name
    if not isinstance(value, bytes):
        return None
    if letter in ("I", "i"):
        return _internet(extension, value)
    if letter in ("M", "m"):
        six = value[:6][::-1] if "R" in extension else value[:6]
        between = "" if letter == "m" else "-" if "F" in extension else ":"
        return between.join(f"{byte:02x}" for byte in six)
    if letter == "U":
        return _uuid(extension[1:2], value)
    if letter == "h":
        between = {"C": ":", "D": "-", "N": ""}.get(extension[1:2], " ")
        return between.join(f"{byte:02x}" for byte in value[: min(width or 1, 64)])
    return None


def _internet(extension: str, value: bytes) -> str | None:
    kind = extension[1:2]
    compressed = "c" in extension[2:]
    if kind == "4" and len(value) >= 4:
        return _v4(value, extension[0] == "i", extension[2:3])
    if kind == "6" and len(value) >= 16:
        return _v6(value[:16], compressed) if extension[0] == "I" else value[:16].hex()
    if kind == "S" and len(value) >= 8:
        family = int.from_bytes(value[:2], "little")
        port = f":{int.from_bytes(value[2:4], 'big')}" if "p" in extension[2:] else ""
        if family == _AF_INET:
            return _v4(value[4:8], extension[0] == "i", "") + port
        if family == _AF_INET6 and len(value) >= 24:
            address = _v6(value[8:24], compressed)
            if "f" in extension[2:]:
                flow = int.from_bytes(value[4:8], "big") & 0xFFFFF
                port += f"/{flow}"
            if "s" in extension[2:] and len(value) >= 28:
                port += f"%{int.from_bytes(value[24:28], 'little')}"
            return f"[{address}]{port}" if port else address
        return "(invalid address)"
    return None


def _v4(value: bytes, padded: bool, order: str) -> str:
    four = value[:4][::-1] if order in ("h", "l") and order else value[:4]
    return ".".join(f"{byte:03d}" if padded else str(byte) for byte in four)


def _v6(value: bytes, compressed: bool) -> str:
    if not compressed:
        return ":".join(f"{word:04x}" for word in struct.unpack(">8H", value))
    address = ipaddress.IPv6Address(value)
    is_isatap = value[8:12] in (b"\0\0\x5e\xfe", b"\2\0\x5e\xfe")
    is_mapped = value[:12] == b"\0" * 10 + b"\xff\xff"
    if is_mapped or is_isatap:
        # The last two words are in IPv4 notation; the words before them are shortened as usual.
        words = struct.unpack(">6H", value[:12])
        return _shortened(words) + _v4(value[12:], False, "")
    return str(ipaddress.IPv6Address(int(address)))


def _shortened(words: tuple[int, ...]) -> str:
    """Format the words before an IPv4 part, the longest run of zeros as `::`."""
    best, length = -1, 1
    for start in range(len(words)):
        end = start
        while end < len(words) and words[end] == 0:
            end += 1
        if end - start > length:
            best, length = start, end - start
    if best < 0:
        return "".join(f"{word:x}:" for word in words)
    before = ":".join(f"{word:x}" for word in words[:best])
    return before + "::" + "".join(f"{word:x}:" for word in words[best + length :])


def _uuid(letter: str, value: bytes) -> str | None:
    if len(value) < 16:
        return None
    sixteen = value[:16]
    if letter in ("l", "L") and letter:
        sixteen = sixteen[3::-1] + sixteen[5:3:-1] + sixteen[7:5:-1] + sixteen[8:]
    text = sixteen.hex()
    text = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return text.upper() if letter in ("B", "L") and letter else text
