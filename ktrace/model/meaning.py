"""Meanings of recorded numbers: an address, a port, an error, flags, a device.

A `Meaning` turns numbers into text for a person, and such a text back into the number for a filter. It is a
value that is stored with a recording, so it holds the names of its constants. Which types and members have
which meaning: `ktrace.model.meanings`.
"""

import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from ktrace.model.errno_names import ERRNO_NAMES
from ktrace.model.meaning_numbers import FILE_TYPES, MINOR_BITS, NUMBER_OF, Table, swapped

_POINTER_ERRORS = (1 << 64) - 4095
_NS = 10**9


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of an argument's or a field's values.

    Attributes:
        kind: a name in `KINDS`.
        table: the names of constants, of `enum` and `flags`.
        big: whether the recorded numbers are big-endian in memory, as on s390x.
        mask: of `enum` in the low bits of `flags`: the bits that hold one of the constants, such as those of
            O_WRONLY. 0 if there are none.
    """

    kind: str
    table: Table = ()
    big: bool = False
    mask: int = 0

    @property
    def takes_all(self) -> bool:
        """Return whether a whole array of numbers is one value, such as an IPv6 address."""
        return self.kind in _OF_BYTES

    def get(self, value: object) -> str | None:
        """Return the text of a value; None if its number says it all.

        Args:
            value: an integer, or a sequence of them if `takes_all`.
        """
        if isinstance(value, int):
            spell = _OF_NUMBER.get(self.kind)
            return None if spell is None else spell(self, value)
        if self.takes_all and isinstance(value, list | tuple) and all(isinstance(one, int) for one in value):
            return _OF_BYTES[self.kind](self, cast(Sequence[int], value))
        return None

    def number(self, text: str) -> int:
        """Return the number that the kernel records for a text.

        Raises:
            ValueError: the text is not such a value; says what one looks like.
        """
        parse = NUMBER_OF.get(self.kind)
        if parse is None:
            raise ValueError("the kernel compares only single numbers")
        return parse(self, text)

    def canonical(self, text: str) -> str:
        """Return a text as `get` would spell it: an IPv6 address in its shortest form."""
        if self.kind != "ip6":
            return text
        try:
            return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, text))
        except OSError:
            return text

    @property
    def has_order(self) -> bool:
        """Return whether a larger number is recorded as a larger number."""
        return self.kind not in ("ip4", "socket ip4", "be16", "be32", "be64") or self.big

    def to_json(self) -> dict[str, object]:
        """Return the meaning as a value of JSON, without what is at its default."""
        told: dict[str, object] = {"kind": self.kind}
        if self.table:
            told["table"] = [list(pair) for pair in self.table]
        return told | ({"big": True} if self.big else {}) | ({"mask": self.mask} if self.mask else {})

    @classmethod
    def from_json(cls, told: object) -> "Meaning | None":
        """Return the meaning that `to_json` described; None if it describes none that is known."""
        if not isinstance(told, dict) or told.get("kind") not in tuple(KINDS):
            return None
        table, mask = told.get("table", []), told.get("mask", 0)
        if not isinstance(table, list) or not isinstance(mask, int):
            return None
        pairs = tuple((p[0], p[1]) for p in table if isinstance(p, list) and list(map(type, p)) == [int, str])
        return cls(told["kind"], pairs, told.get("big") is True, mask)


Names: TypeAlias = Mapping[int, str] | Meaning
"""The names of an enum's constants, or the meaning of an argument's values."""


def _host_order(size: int) -> Callable[[Meaning, int], str]:
    return lambda self, value: str(swapped(self, value, size))


def _named_be16(self: Meaning, value: int) -> str:
    number = swapped(self, value, 2)
    return dict(self.table).get(number) or f"0x{number:04x}"


def _ip4(self: Meaning, value: int) -> str:
    return ".".join(map(str, swapped(self, value, 4).to_bytes(4, "big")))


def _socket_ip4(self: Meaning, value: int) -> str:
    """Return an address in a socket; a socket of IPv6 has 0.0.0.0 or LOOPBACK4_IPV6 there."""
    text = _ip4(self, value)
    return f"{text} or IPv6" if text in ("0.0.0.0", "127.0.0.6") else text


def _error(_: Meaning, value: int) -> str | None:
    signed = value - (1 << 64) if value >= _POINTER_ERRORS else value
    if not -4095 <= signed < 0:
        return None
    name = ERRNO_NAMES.get(-signed)
    return f"{signed} {name}" if name else str(signed) if signed != value else None


def _plain_error(_: Meaning, value: int) -> str | None:
    """Return the name of an error that is stored as a positive or a negative number."""
    name = ERRNO_NAMES.get(abs(value))
    return f"{value} {name}" if name else None


def _constant(self: Meaning, value: int) -> str | None:
    return dict(self.table).get(value)


def _flags(self: Meaning, value: int) -> str:
    left = value & (1 << 64) - 1
    found = []
    if self.mask:
        name = dict(self.table).get(left & self.mask)
        if name:
            found.append(name)
            left &= ~self.mask
    for bits, name in self.table:
        if bits and not bits & self.mask and left & bits == bits:
            found.append(name)
            left &= ~bits
    if left:
        found.append(f"0x{left:x}")
    return "|".join(found) or dict(self.table).get(0, "0")


def _mode(_: Meaning, value: int) -> str:
    kind = FILE_TYPES.get(value >> 12 & 0xF)
    return (f"{kind}|" if kind else "") + f"0{value & (0o7777 if kind else 0xFFFFFFFF):03o}"


def _device(_: Meaning, value: int) -> str:
    value &= 0xFFFFFFFF
    return f"{value >> MINOR_BITS}:{value & (1 << MINOR_BITS) - 1}"


def _seconds(_: Meaning, value: int) -> str:
    value = value - (1 << 64) if value >> 63 and value > 0 else value
    whole, rest = divmod(abs(value), _NS)
    return f"{'-' if value < 0 else ''}{whole}.{rest:09d}s"


def _before_breakpoint(_: Meaning, value: int) -> str:
    return f"0x{value - 1:x}"


def _bytes(self: Meaning, words: Sequence[int], size: int) -> bytes:
    """Return the bytes in memory of an array that was read as numbers, padded or cut to `size`."""
    width = max(size // len(words), 1) if words else 1
    order: Literal["big", "little"] = "big" if self.big else "little"
    data = b"".join((word & (1 << 8 * width) - 1).to_bytes(width, order) for word in words)
    return data[:size].ljust(size, b"\0")


def _ip6(self: Meaning, words: Sequence[int]) -> str:
    return socket.inet_ntop(socket.AF_INET6, _bytes(self, words, 16))


def _mac(self: Meaning, words: Sequence[int]) -> str:
    return ":".join(f"{byte:02x}" for byte in _bytes(self, words, 6))


def _hardware(self: Meaning, words: Sequence[int]) -> str:
    """Return the address in a `struct sockaddr` that has a device's type where others have a family."""
    return ":".join(f"{byte:02x}" for byte in _bytes(self, words, SOCKADDR_SIZE)[2:8])


SOCKADDR_SIZE = 32
"""Bytes that are read of a struct sockaddr: those of the largest one of the internet, and more of others."""


def _sockaddr(self: Meaning, words: Sequence[int]) -> str | None:
    data = _bytes(self, words, SOCKADDR_SIZE)
    order: Literal["big", "little"] = "big" if self.big else "little"
    family = int.from_bytes(data[:2], order)
    port = int.from_bytes(data[2:4], "big")
    match family:
        case 2:
            return f"{socket.inet_ntop(socket.AF_INET, data[4:8])}:{port}"
        case 10:
            scope = int.from_bytes(data[24:28], order)
            address = socket.inet_ntop(socket.AF_INET6, data[8:24])
            return f"[{address}{f'%{scope}' if scope else ''}]:{port}"
        case 1:
            path = data[2:]
            prefix, path = ("@", path[1:]) if path[:1] == b"\0" else ("", path)
            text, ended, _ = path.partition(b"\0")
            return f"unix:{prefix}{text.decode('utf-8', 'surrogateescape')}{'' if ended else '...'}"
        case 16:
            return f"netlink:{int.from_bytes(data[4:8], order)}"
        case 17:
            return f"packet:{int.from_bytes(data[4:8], order)}"
        case 40:
            return f"vsock:{int.from_bytes(data[8:12], order)}:{int.from_bytes(data[4:8], order)}"
    return dict(self.table).get(family) or f"family {family}"


def _cpus(_: Meaning, words: Sequence[int]) -> str:
    cpus = [64 * i + bit for i, word in enumerate(words) for bit in range(64) if word >> bit & 1]
    runs: list[list[int]] = []
    for cpu in cpus:
        if runs and runs[-1][1] == cpu - 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs) or "none"


_OF_NUMBER: Mapping[str, Callable[[Meaning, int], str | None]] = {
    "be16": _host_order(2),
    "be32": _host_order(4),
    "be64": _host_order(8),
    "protocol": _named_be16,
    "ip4": _ip4,
    "socket ip4": _socket_ip4,
    "errno": _error,
    "pointer errno": _error,
    "error": _plain_error,
    "enum": _constant,
    "flags": _flags,
    "mode": _mode,
    "dev": _device,
    "time": _seconds,
    "after breakpoint": _before_breakpoint,
}
_OF_BYTES: Mapping[str, Callable[[Meaning, Sequence[int]], str | None]] = {
    "ip6": _ip6,
    "mac": _mac,
    "hwaddr": _hardware,
    "sockaddr": _sockaddr,
    "cpus": _cpus,
}
KINDS = frozenset({*_OF_NUMBER, *_OF_BYTES})


def meaning_of_names(names: "Names") -> Meaning:
    """Return names of constants as a meaning."""
    return names if isinstance(names, Meaning) else Meaning("enum", tuple(names.items()))


def merged(tables: Iterable[Mapping[str, Mapping[str, "Names"]]]) -> dict[str, dict[str, "Names"]]:
    """Merge meanings by event and argument. Where two differ, there is none: which one applies is unknown."""
    found: dict[str, dict[str, Names]] = {}
    for table in tables:
        for event, names in table.items():
            known = found.setdefault(event, {})
            for name, one in names.items():
                if known.setdefault(name, one) != one:
                    known[name] = {}
    return found
