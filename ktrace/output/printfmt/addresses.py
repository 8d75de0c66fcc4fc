"""Format what `%p` and its extensions print: symbols, network and hardware addresses, UUIDs, times, bytes.

See Documentation/core-api/printk-formats.rst. A plain `%p` prints the address. The kernel's own text shows a
hash of it while the option `hash-ptr` is on, and nobody can read the key of that hash. Some extensions print
what is in the kernel's memory at the address, such as a file's name (`%pD`): a recording does not have that.
"""

import ipaddress
import struct

from ktrace.model.errno_names import ERRNO_NAMES
from ktrace.model.lookups import Lookups
from ktrace.output.printfmt.bitmaps import bitmap, bitmap_list
from ktrace.output.printfmt.cint import Machine
from ktrace.output.printfmt.escape import escaped
from ktrace.output.printfmt.times import spell_time

PLAIN = ("", "x", "K", "e")
"""Extensions that print the address itself; `e` does for an address that is not an error."""
COUNTED = frozenset("hbE")
"""Extensions whose width is the number of bytes or bits, not that of the text."""

_AF_INET, _AF_INET6 = 2, 10
_HEX_MAX = 64  # bytes of %*ph
_ERRORS = 4095  # the highest addresses are error numbers


def spell_address(extension: str, value: object, width: int | None, lookups: Lookups) -> str | None:
    """Format a value by the letters after `%p`; return None if they mean a plain address, or are not known.

    Args:
        extension: the letters; `n`, which is not one of the kernel's, is `s` without the module's name.
        value: an address, the bytes at that address, or the text there.
        width: the number of bytes of `%*ph` and `%*pE`, or of bits of `%*pb`; None if not given.
        lookups: the symbols, and how the traced machine orders bytes.
    """
    letter = extension[:1]
    if letter and letter in "sSfFBn" and extension != "fw":
        return _symbol(letter, value, lookups) if isinstance(value, int) else None
    if letter == "e" and isinstance(value, int):
        return _error(value, lookups)
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    if not isinstance(value, bytes):
        return None
    machine = Machine(lookups.long, lookups.big_endian)
    match letter:
        case "I" | "i":
            return _internet(extension, value, machine)
        case "M" | "m" if len(value) >= 6:
            six = value[:6][::-1] if "R" in extension else value[:6]
            between = "" if letter == "m" else "-" if "F" in extension else ":"
            return between.join(f"{byte:02x}" for byte in six)
        case "U":
            return _uuid(extension[1:2], value)
        case "h":
            between = {"C": ":", "D": "-", "N": ""}.get(extension[1:2], " ")
            count = 1 if width is None else min(width, _HEX_MAX)
            return between.join(f"{byte:02x}" for byte in value[:count])
        case "E":
            return escaped(value[: 1 if width is None else width], extension[1:])
        case "b":
            spell = bitmap_list if extension[1:2] == "l" else bitmap
            return spell(value, min(width or 0, 8 * len(value)), machine)
        case "4":
            return _fourcc(extension, value, machine)
        case "t":
            return spell_time(extension[1:], value, machine)
    size = {"a": lookups.long if extension[1:2] != "d" else len(value), "N": 8}.get(letter, 0)
    if letter == "a" and len(value) in (4, 8):
        size = len(value)
    if size and len(value) >= size and (letter == "a" or extension == "NF"):
        return f"0x{int.from_bytes(value[:size], machine.order):0{2 * size}x}"
    return None


def _symbol(letter: str, value: int, lookups: Lookups) -> str:
    address = value & 0xFFFFFFFFFFFFFFFF
    if letter == "B":  # the call instruction is before the return address
        address -= 1
    name = lookups.symbol(address, letter in "SFB") or f"0x{address:x}"
    return name.partition(" [")[0] if letter == "n" else name


def _error(value: int, lookups: Lookups) -> str | None:
    """Return the name of an error number that stands in place of an address."""
    number = -value & (1 << 8 * lookups.long) - 1
    if not 0 < number <= _ERRORS:
        return None
    return f"-{ERRNO_NAMES[number]}" if number in ERRNO_NAMES else str(-number)


def _fourcc(extension: str, value: bytes, machine: Machine) -> str | None:
    """Return a four-character code of a pixel format (`4cc`) or of anything else, and its number."""
    if len(value) < 4 or extension[1:2] != "c":
        return None
    number = int.from_bytes(value[:4], machine.order)
    kind, order = extension[2:3], ""
    shown = number
    if kind == "c":  # pixel formats have their first character in the lowest byte
        order = " big-endian" if number >> 31 else " little-endian"
        shown = _swapped(number & 0x7FFFFFFF)
    elif kind in ("h", "l", "b") and kind:
        reverse = extension[3:4] == "R" if kind == "h" else (kind == "b") != machine.big_endian
        number = shown = _swapped(number) if reverse else number
    else:
        return None
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in shown.to_bytes(4, "big"))
    return f"{text}{order} (0x{number:08x})"


def _swapped(number: int) -> int:
    return int.from_bytes(number.to_bytes(4, "little"), "big")


def _internet(extension: str, value: bytes, machine: Machine) -> str | None:
    kind, options = extension[1:2], extension[2:]
    padded = extension[0] == "i"
    if kind == "4" and len(value) >= 4:
        return _v4(value, padded, options[:1], machine)
    if kind == "6" and len(value) >= 16:
        return _v6(value[:16], "c" in options) if not padded else value[:16].hex()
    if kind == "S" and len(value) >= 8:
        return _socket_address(value, padded, options, machine)
    return None


def _socket_address(value: bytes, padded: bool, options: str, machine: Machine) -> str:
    family = int.from_bytes(value[:2], machine.order)
    port = f":{int.from_bytes(value[2:4], 'big')}" if "p" in options else ""
    if family == _AF_INET:
        order = next((letter for letter in reversed(options) if letter in "hnbl"), "")
        return _v4(value[4:8], padded, order, machine) + port
    if family == _AF_INET6 and len(value) >= 24:
        address = value[8:24].hex() if padded else _v6(value[8:24], "c" in options)
        if "f" in options:
            port += f"/{int.from_bytes(value[4:8], 'big') & 0xFFFFFFF}"
        if "s" in options and len(value) >= 28:
            port += f"%{int.from_bytes(value[24:28], machine.order)}"
        return f"[{address}]{port}" if port else address
    return "(einval)"


def _v4(value: bytes, padded: bool, order: str, machine: Machine) -> str:
    reverse = order == "l" or (order == "h" and not machine.big_endian)
    four = value[:4][::-1] if reverse else value[:4]
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
        return _shortened(words) + ".".join(map(str, value[12:16]))
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
