"""Arguments of system calls, as the kernel and perf print them: `name: value, name: value`."""

import errno
import re

from ktrace.texts.records import Value

_SIGN = re.compile(r'\\.|["()\[\]{}<>,]')
_NUMBER = re.compile(r"-?\d{1,20}\Z")
_HEX = re.compile(r"0x([0-9a-fA-F]{1,16})\Z")
_BARE = re.compile(r"[0-9a-fA-F]{1,16}\Z")
_NUMBER_AND_NAME = re.compile(r"(-?\d{1,20})(?: \([^()]*\)|<[^\n]*>)\Z")
"""A task with its name, a descriptor with its file."""
_ERROR = re.compile(r"-1 (E[A-Z0-9]+)\b")
_UNKNOWN_ERROR = re.compile(r"-1 .{0,100}\(Unknown error (\d{1,4})\)")
_CWD = -100
"""AT_FDCWD of linux/fcntl.h, which perf prints as CWD."""


def split(text: str) -> list[str]:
    """Return the parts between the commas that are not in brackets or quotes."""
    parts, depth, begin = [], 0, 0
    quoted = False
    for match in _SIGN.finditer(text):
        sign = match[0]
        if sign == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif sign in ("(", "[", "{", "<"):
            depth += 1
        elif sign in (")", "]", "}", ">"):
            depth = max(depth - 1, 0)
        elif sign == "," and depth == 0:
            parts.append(text[begin : match.start()].strip())
            begin = match.end()
    rest = text[begin:].strip()
    return [*parts, rest] if rest else parts


def named(text: str, *, bare_hex: bool = False) -> dict[str, Value] | None:
    """Return arguments by name; None if one has no name, or two have the same.

    Args:
        text: `name: value, type name: value`.
        bare_hex: numbers are hexadecimal, although nothing says so.
    """
    found: dict[str, Value] = {}
    for part in split(text):
        head, colon, value = part.partition(": ")
        name = head.rpartition(" ")[2].lstrip("*") if colon else part.removesuffix(":")
        if not name.isidentifier() or name in found:
            return None
        found[name] = _CWD if value == "CWD" and name.endswith("dfd") else number(value, bare_hex=bare_hex)
    return found


def number(text: str, *, bare_hex: bool = False) -> Value:
    """Return a value as a number if it is spelled as one, without quotes if it is a text in quotes."""
    value = _HEX.match(text)
    if value:
        return int(value[1], 16)
    if bare_hex and _BARE.match(text):
        return int(text, 16)
    if _NUMBER.match(text):
        return int(text)
    pair = _NUMBER_AND_NAME.match(text)
    if pair:
        return int(pair[1])
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1]
    return text


def signed(value: int) -> int:
    """Return 64 bits as the signed number that they are."""
    return value - 2**64 if value >= 2**63 else value


def result(text: str) -> Value:
    """Return what a call returned: `-1 ENOENT (No such file or directory)` is -2."""
    failed = _ERROR.match(text)
    if failed:
        code: int | None = getattr(errno, failed[1], None)
        return -code if code else text
    unknown = _UNKNOWN_ERROR.match(text)
    if unknown:
        return -int(unknown[1])
    value = number(text.partition(" ")[0])
    return signed(value) if isinstance(value, int) else text
