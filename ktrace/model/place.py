"""The place of a probe: a symbol, an address, a file offset, a tracepoint or another event.

The spellings are those of Documentation/trace/kprobetrace.rst, uprobetracer.rst, fprobetrace.rst
and eprobetrace.rst.
"""

import re
from typing import TypeAlias

from ktrace.errors import UsageError
from ktrace.records import dataclass

RETURN_SUFFIX = "%return"
START = "_text"  # the symbol where the kernel's code begins: START+OFFSET can name any place in it


@dataclass(frozen=True, slots=True)
class SymbolPlace:
    """`[MODULE:]SYMBOL[+OFFSET]`; `offset` in bytes."""

    symbol: str
    offset: int = 0
    module: str | None = None

    def to_text(self) -> str:
        """Return the place as the kernel prints it: with a decimal offset, omitted if 0."""
        prefix = f"{self.module}:" if self.module else ""
        return f"{prefix}{self.symbol}" + (f"+{self.offset}" if self.offset else "")


@dataclass(frozen=True, slots=True)
class AddressPlace:
    """A kernel address.

    When a definition is read back, the kernel prints a useless hash instead of the address (`hashed`).
    """

    address: int
    hashed: bool = False

    def to_text(self) -> str:
        """Return the address in hexadecimal with `0x`; without it the kernel would read a symbol."""
        return f"0x{self.address:016x}"


@dataclass(frozen=True, slots=True)
class FilePlace:
    """`PATH:OFFSET[(REFCTR)]` of a uprobe; offsets in bytes from the start of the file."""

    path: str
    offset: int
    refctr: int | None = None

    def to_text(self) -> str:
        """Return the place with offsets of 16 hexadecimal digits, as the kernel prints them."""
        ref = f"(0x{self.refctr:x})" if self.refctr is not None else ""
        return f"{self.path}:0x{self.offset:016x}{ref}"


@dataclass(frozen=True, slots=True)
class TracepointPlace:
    """The bare name of a tracepoint, for `t:` probes."""

    name: str

    def to_text(self) -> str:
        """Return the name."""
        return self.name


@dataclass(frozen=True, slots=True)
class EventPlace:
    """`SYSTEM.EVENT`, to which an event probe (`e:`) is attached."""

    system: str
    event: str

    def to_text(self) -> str:
        """Return the place with a dot, as the kernel prints it."""
        return f"{self.system}.{self.event}"


Place: TypeAlias = SymbolPlace | AddressPlace | FilePlace | TracepointPlace | EventPlace

# A kernel symbol may carry compiler suffixes (.isra.0) and, in Rust code, `$` and `<>`.
_SYMBOL = re.compile(
    r"(?:(?P<module>[A-Za-z0-9_-]+):)?(?P<symbol>[A-Za-z_.$][A-Za-z0-9_.$<>]*)(?:\+(?P<offset>[0-9A-Za-z]+))?\Z"
)
_HEX_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]+\Z")
# `ffffffff81234560` as kallsyms prints it: no symbol has this form.
_BARE_ADDRESS = re.compile(r"[fF]{4}[0-9a-fA-F]{12}\Z")


def parse_kernel_place(text: str) -> SymbolPlace | AddressPlace:
    """Parse a place in the kernel as users write it: `vfs_read`, `ext4:f+0x10`, `0xffffffff81…`.

    Raises:
        UsageError: not a place in the kernel; the caret points at the wrong character.
    """
    if _HEX_ADDRESS.match(text) or _BARE_ADDRESS.match(text):
        address = int(text, 16)
        if re.fullmatch(r"0[xX]0[0-9a-fA-F]{15}", text):
            raise hashed_address(text)
        if address < 4096:  # the first page: some kernels bind a probe to nonsense there
            raise UsageError(f"{text} is not a kernel address")
        return AddressPlace(address)
    match = _SYMBOL.match(text)
    if not match:
        raise _not_a_place(text)
    offset = match["offset"]
    try:
        value = c_integer(offset) if offset else 0
    except ValueError:
        raise UsageError(
            f"'{offset}' is not an offset in bytes",
            excerpt=text,
            caret=match.start("offset"),
            hint="decimal, or hexadecimal with 0x: vfs_read+0x10",
        ) from None
    return SymbolPlace(match["symbol"], value, match["module"])


def hashed_address(text: str) -> UsageError:
    """Return the error for a hashed address: it has 16 digits and is too small for a kernel address."""
    return UsageError(
        f"{text} is not an address of the kernel, but the hash that it prints instead of one",
        excerpt=text,
        caret=0,
        hint="FUNCTION+OFFSET, or the address, which `ktrace list` shows where it can be told",
    )


def _not_a_place(text: str) -> UsageError:
    at = next((i for i, ch in enumerate(text) if not re.match(r"[A-Za-z0-9_.$:+<>-]", ch)), 0)
    hint = "FUNCTION, FUNCTION+OFFSET, MODULE:FUNCTION or an address with 0x"
    if re.match(r"[A-Za-z_.$][\w.$]*-\d", text):
        at = text.index("-")
        hint = "the kernel takes only offsets after the start of a function: FUNCTION+OFFSET"
    return UsageError(f"'{text}' is not a place in the kernel", excerpt=text, caret=at, hint=hint)


def c_integer(text: str) -> int:
    """Parse an unsigned integer like C's strtoul with base 0: 0x is hexadecimal, a leading 0 octal.

    Raises:
        ValueError: not such an integer (Python's `0b1` and `0o7` are not), or more than 64 bits.
    """
    if not re.fullmatch(r"0[xX][0-9a-fA-F]+|[0-9]+", text):
        raise ValueError(text)
    value = int(text, 8 if re.fullmatch(r"0[0-9]+", text) else 0)
    if value >= 1 << 64:
        raise ValueError(text)
    return value
