"""Text for arguments of system calls: flags by name, times, addresses of sockets, sets of signals.

`flag_names.txt` has a line for each set: its name, then `NAME=VALUE`, or `NAME=VALUE/MASK` for a value of the
bits in a mask. The values are those of the kernel's interface (include/uapi), of asm-generic.
"""

import signal
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from ktrace.records import dataclass
from ktrace.script.runtime.state import State

_AT_FDCWD = -100
_BUFFER_MAX = 32  # bytes of a buffer that are shown
_HIGH = (1 << 64) - 1
_LOW = (1 << 32) - 1
_FILE_TYPES = {1: "S_IFIFO", 2: "S_IFCHR", 4: "S_IFDIR", 6: "S_IFBLK", 8: "S_IFREG", 12: "S_IFSOCK"}


def functions(_state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name."""
    return {
        "__ktrace_flags": flags,
        "__ktrace_named": named,
        "__ktrace_directory": lambda fd: "AT_FDCWD" if fd == _AT_FDCWD else str(fd),
        "__ktrace_path": lambda pointer, text: quoted(text) if pointer else "NULL",
        "__ktrace_buffer": buffer,
        "__ktrace_time": time,
        "__ktrace_times": times,
        "__ktrace_limits": limits,
        "__ktrace_sockaddr": sockaddr,
        "__ktrace_sockaddr_part": sockaddr_part,
        "__ktrace_sigaction": sigaction,
        "__ktrace_sigset": sigset,
        "__ktrace_node": node,
        "__ktrace_signal": signal_name,
    }


@dataclass(frozen=True, slots=True)
class _Flag:
    """A name of a value of the bits in a mask."""

    name: str
    value: int
    mask: int


@cache
def known_sets() -> Mapping[str, tuple[_Flag, ...]]:
    """Return the sets of names."""
    text = resources.files(__package__).joinpath("flag_names.txt").read_text("ascii")
    return {name: tuple(map(_flag, words)) for name, *words in map(str.split, text.splitlines())}


def _flag(word: str) -> _Flag:
    name, _, rest = word.partition("=")
    value, slash, mask = rest.partition("/")
    return _Flag(name, int(value, 0), int(mask, 0) if slash else int(value, 0))


def flags(kind: str, value: int) -> str:
    """Return the names of a number's bits, joined by `|`. Bits without a name are one number.

    Args:
        value: of 64 bits, or a negative number of 32 bits.
    """
    found: list[str] = []
    left = value & (_HIGH if not -(1 << 31) <= value < 0 else _LOW)
    for one in known_sets()[kind]:
        if one.mask and (left & one.mask) == one.value and (one.value or not value & one.mask):
            found.append(one.name)
            left &= ~one.mask
        elif not one.mask and not value:
            found.append(one.name)
    if left or not found:
        found.append(f"0x{left:x}")
    return "|".join(found)


def named(kind: str, value: int) -> str:
    """Return the name of a number, or the number."""
    return next((one.name for one in known_sets()[kind] if one.value in (value, value & _LOW)), str(value))


def quoted(text: str, limit: int = 0) -> str:
    """Return text in quotes, with bytes that are not printable as in C; `...` after it if it is cut."""
    cut = bool(limit) and len(text) > limit
    return '"' + "".join(map(_escaped, text[:limit] if cut else text)) + '"' + ("..." if cut else "")


def _escaped(ch: str) -> str:
    known = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\f": "\\f", "\v": "\\v", "\\": "\\\\", '"': '\\"'}
    return known.get(ch) or (ch if " " <= ch <= "~" else f"\\{ord(ch):03o}")


def buffer(pointer: int, text: str, size: int) -> str:
    """Return the start of a buffer in quotes. The text ends at the buffer's first zero byte."""
    if not pointer:
        return "NULL"
    shown = text[: min(size, _BUFFER_MAX)]
    return quoted(shown) + ("..." if len(shown) < size else "")


def time(pointer: int, seconds: int, part: int, digits: int) -> str:
    """Return a time of a program as `[SECONDS.PART]`."""
    return f"[{seconds}.{part:0{digits}d}]" if pointer else "NULL"


def times(pointer: int, a: int, b: int, c: int, d: int, digits: int) -> str:
    """Return two times: those of an interval, or of access and modification."""
    return f"[{a}.{b:0{digits}d}][{c}.{d:0{digits}d}]" if pointer else "NULL"


def limits(pointer: int, soft: int, hard: int) -> str:
    """Return a `struct rlimit`."""
    return f"[{soft & _HIGH},{hard & _HIGH}]".replace(str(_HIGH), "RLIM_INFINITY") if pointer else "NULL"


def sockaddr(pointer: int, first: int, second: int, third: int, path: str) -> str:
    """Return a `struct sockaddr`, from its first 24 bytes and the text after the family."""
    if not pointer:
        return "NULL"
    data = _bytes(first, second, third)
    family = int.from_bytes(data[:2], "little")
    name = named("af", family)
    if name in ("AF_INET", "AF_INET6"):
        return f"{{{name}, {_ip(name, data)}, {int.from_bytes(data[2:4], 'big')}}}"
    if name == "AF_UNIX":
        return f"{{{name}, {path}}}"
    if name == "AF_NETLINK":
        pid, groups = (int.from_bytes(part, "little") for part in (data[4:8], data[8:12]))
        return f"{{{name}, pid={pid}, groups={groups:08x}}}"
    return f"{{{name}, ...}}" if name[0] == "A" else f"{{unknown address family ({family})}}"


def sockaddr_part(part: str, pointer: int, first: int, second: int, third: int, fourth: int) -> str:
    """Return a part of a `struct sockaddr` as text, from its first 32 bytes; `N/A` if it has no such part."""
    data = _bytes(first, second, third, fourth)
    name = named("af", int.from_bytes(data[:2], "little")) if pointer else "N/A"
    if part == "af":
        return name
    if part in ("ip", "ip_port") and name in ("AF_INET", "AF_INET6"):
        return _ip(name, data) if part == "ip" else str(int.from_bytes(data[2:4], "big"))
    if name == "AF_INET6":
        if part == "ipv6_flowinfo":
            return str(int.from_bytes(data[4:8], "big"))
        if part == "ipv6_scope_id":
            return str(int.from_bytes(data[24:28], "little"))
    return "N/A"


def _bytes(*words: int) -> bytes:
    """Return the memory that 64-bit words were read from."""
    return b"".join((word & _HIGH).to_bytes(8, "little") for word in words)


def _ip(name: str, data: bytes) -> str:
    """Return the address of the internet in a `struct sockaddr`."""
    import socket

    if name == "AF_INET":
        return socket.inet_ntoa(data[4:8])
    return socket.inet_ntop(socket.AF_INET6, data[8:24])


def sigset(pointer: int, bits: int) -> str:
    """Return the signals of a set."""
    if not pointer:
        return "NULL"
    found = [signal_name(n) for n in range(1, 65) if bits >> (n - 1) & 1]
    return f"[{'|'.join(found) or 'EMPTY'}]"


def sigaction(pointer: int, handler: int, bits: int, mask: int) -> str:
    """Return the kernel's `struct sigaction`: the handler, the signals that are blocked in it, and flags."""
    if not pointer:
        return "NULL"
    name = {0: "SIG_DFL", 1: "SIG_IGN"}.get(handler) or f"0x{handler & _HIGH:x}"
    return f"{{{name}, {sigset(1, mask)}, {flags('sigaction', bits)}}}"


def node(mode: int) -> str:
    """Return the mode of a new file: its type by name, and its permissions."""
    kind = _FILE_TYPES.get(mode >> 12 & 0o17)
    permissions = f"0{mode & 0o7777:o}"
    return f"{kind}|{permissions}" if kind else permissions


def signal_name(number: int) -> str:
    """Return the name of a signal."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - 32}" if 32 <= number <= 64 else str(number)
