"""Format bytes as the lines of a hex dump, as the kernel's print_hex_dump does."""

from typing import Literal

_ROWS = (16, 32)
_GROUPS = (1, 2, 4, 8)


# many parameters: those of the kernel's function
def hex_dump(
    data: bytes,
    row: int,
    group: int,
    order: Literal["little", "big"],
    prefix: str,
    *,
    with_offset: bool,
    ascii_too: bool,
) -> str:
    """Return the lines, each with its newline, after an empty one.

    Args:
        data: the bytes.
        row: bytes a line: 16 or 32; another number counts as 16.
        group: bytes a number: 1, 2, 4 or 8; another number counts as 1.
        order: the order of bytes in a number.
        prefix: comes before each line.
        with_offset: whether the offset in the data follows the prefix.
        ascii_too: whether the printable characters follow the numbers.
    """
    row = row if row in _ROWS else _ROWS[0]
    lines = ["\n"]
    for start in range(0, len(data), row):
        offset = f"{start:08x}: " if with_offset else ""
        lines.append(f"{prefix}{offset}{_line(data[start : start + row], row, group, order, ascii_too)}\n")
    return "".join(lines)


def _line(data: bytes, row: int, group: int, order: Literal["little", "big"], ascii_too: bool) -> str:
    if group not in _GROUPS or len(data) % group:
        group = 1
    numbers = [int.from_bytes(data[i : i + group], order) for i in range(0, len(data), group)]
    text = " ".join(f"{number:0{2 * group}x}" for number in numbers)
    if not ascii_too:
        return text
    width = row // group * (2 * group + 1) + 1  # a blank after each number, and one more
    return text.ljust(width) + "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
