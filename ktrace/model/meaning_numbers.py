"""Turn the text that stands for a value, such as an address or a name, into the number that is recorded."""

import re
import socket
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from ktrace.model.errno_names import ERRNO_NAMES

Table: TypeAlias = tuple[tuple[int, str], ...]
"""The names of constants. In flags, a constant of several bits comes before those that it contains."""

MINOR_BITS = 20  # include/linux/kdev_t.h
_ERRORS = {name: number for number, name in ERRNO_NAMES.items()} | {"EWOULDBLOCK": 11, "EDEADLOCK": 35}
_NS = 10**9


class Facts(Protocol):
    """The facts that turn a text into a number: the names of constants, and the order of bytes."""

    @property
    def table(self) -> Table:
        """Return the names of constants."""

    @property
    def big(self) -> bool:
        """Return whether the recorded numbers are big-endian in memory."""


def swapped(self: Facts, value: int, size: int) -> int:
    """Return a number of `size` bytes in network order as one in the processor's, or the other way round."""
    value &= (1 << 8 * size) - 1
    return value if self.big else int.from_bytes(value.to_bytes(size, "little"), "big")


FILE_TYPES = {
    12: "S_IFSOCK", 10: "S_IFLNK", 8: "S_IFREG", 6: "S_IFBLK", 4: "S_IFDIR", 2: "S_IFCHR", 1: "S_IFIFO",
}  # fmt: skip


def _integer(text: str) -> int | None:
    digits = text.lstrip("+-")
    base = 16 if digits[:2].lower() == "0x" else 8 if digits[:1] == "0" and len(digits) > 1 else 10
    try:
        return int(text, base) if "_" not in text else None
    except ValueError:
        return None


def _of_host_order(size: int) -> Callable[[Facts, str], int]:
    def number(self: Facts, text: str) -> int:
        value = _integer(text)
        if value is None:
            value = {name: number for number, name in self.table}.get(text)
        if value is None or not 0 <= value < 1 << 8 * size:
            raise ValueError(f"it is a number below {1 << 8 * size}")
        return swapped(self, value, size)

    return number


def _of_ip4(self: Facts, text: str) -> int:
    try:
        data = socket.inet_pton(socket.AF_INET, text)
    except OSError:
        value = _integer(text)
        if value is None or not 0 <= value < 1 << 32:
            raise ValueError("it is an IPv4 address, such as 10.0.0.1") from None
        return value
    return int.from_bytes(data, "big" if self.big else "little")


def _of_error(_: Facts, text: str) -> int:
    value = _integer(text)
    if value is not None:
        return value
    name = text.lstrip("-")
    if name not in _ERRORS:
        raise ValueError("it is a number or the name of an error, such as ENOENT")
    return -_ERRORS[name]


def _of_pointer_error(self: Facts, text: str) -> int:
    """Return the number of an error where it is unsigned: the kernel compares it with nothing negative."""
    return _of_error(self, text) & (1 << 64) - 1


def _of_mode(_: Facts, text: str) -> int:
    types = {name: bits << 12 for bits, name in FILE_TYPES.items()}
    total = 0
    for word in text.split("|"):
        number = types.get(word.strip(), _integer(word.strip()))
        if number is None:
            raise ValueError("it is a mode, such as 0644 or S_IFREG|0644")
        total |= number
    return total


_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": _NS}


def _of_time(_: Facts, text: str) -> int:
    value = _integer(text)
    match = re.fullmatch(r"(-?)(\d{1,10})(?:\.(\d{1,9}))?(ns|us|ms|s)", text, re.ASCII)
    if match:
        amount = int(f"{match[2]}{match[3] or '':0<9}") * _UNITS[match[4]] // _NS
        return -amount if match[1] else amount
    if value is None:
        raise ValueError("it is a time, such as 1.5s or 300us, or nanoseconds")
    return value


def _of_constant(self: Facts, text: str) -> int:
    value = _integer(text)
    if value is not None:
        return value
    names = {name: number for number, name in self.table}
    total = 0
    for word in text.split("|"):
        number = names.get(word.strip(), _integer(word.strip()))
        if number is None:
            some = ", ".join(list(names)[:3])
            raise ValueError(f"it is a number or one of its constants, such as {some}")
        total |= number
    return total


def _of_device(_: Facts, text: str) -> int:
    match = re.fullmatch(r"(\d{1,4}):(\d{1,7})", text, re.ASCII)
    value = _integer(text)
    if match and int(match[1]) < 1 << 12 and int(match[2]) < 1 << MINOR_BITS:
        return int(match[1]) << MINOR_BITS | int(match[2])
    if value is None:
        raise ValueError("it is MAJOR:MINOR, such as 8:0")
    return value


def _of_number(_: Facts, text: str) -> int:
    value = _integer(text)
    if value is None:
        raise ValueError("it is a number")
    return value


NUMBER_OF: Mapping[str, Callable[[Facts, str], int]] = {
    "be16": _of_host_order(2),
    "be32": _of_host_order(4),
    "be64": _of_host_order(8),
    "protocol": _of_host_order(2),
    "ip4": _of_ip4,
    "socket ip4": _of_ip4,
    "errno": _of_error,
    "pointer errno": _of_pointer_error,
    "error": _of_error,
    "enum": _of_constant,
    "flags": _of_constant,
    "mode": _of_mode,
    "dev": _of_device,
    "time": _of_time,
    "after breakpoint": lambda self, text: _of_number(self, text) + 1,
}
