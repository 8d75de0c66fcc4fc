"""Name addresses as the kernel would print them, from the text of /proc/kallsyms.

NumPy parses only the addresses: a name is read when it is needed.
"""

import numpy as np
from numpy.typing import NDArray

_DIGITS = 16
_DIGITS_32 = 8  # of an address of a 32-bit kernel
_LOW_BITS = np.uint64(0x0F0F0F0F0F0F0F0F)
_ONES = np.uint64(0x0101010101010101)
_PAIRS = tuple(
    (np.uint64(bits), np.uint64(kept))
    for bits, kept in ((4, 0x00FF00FF00FF00FF), (8, 0x0000FFFF0000FFFF), (16, 0xFFFFFFFF))
)
_PAGE = 4096
_TRAMPOLINES = {
    "__kretprobe_trampoline",
    "kretprobe_trampoline",
    "arch_rethook_trampoline",
}
_BUILT_IN = "__builtin__"  # generated code: the kernel lists it, but does not name it
_STACK_TRAMPOLINE = (1 << 31) - 1  # marks one of ftrace's trampolines in a stack


class SymbolTable:
    """Symbols by address.

    Args:
        kallsyms: lines `ADDRESS TYPE NAME`, for modules followed by a tab and `[module]`; may be empty.
        offset: the distance of the addresses to look up from these: they are of another boot.
    """

    def __init__(self, kallsyms: bytes, offset: int = 0) -> None:
        is_32_bit = kallsyms[_DIGITS_32 : _DIGITS_32 + 1] == b" "
        if is_32_bit:
            zeros = b"0" * (_DIGITS - _DIGITS_32)
            kallsyms = zeros + kallsyms.replace(b"\n", b"\n" + zeros)
        self._text = kallsyms
        self._offset = offset
        self._starts, self._addresses = _addresses(kallsyms)
        self._places: dict[int, str] = {}
        self._names: dict[int, str] = {}
        self._pointers: dict[tuple[int, bool], str | None] = {}
        # Per-CPU symbols have addresses near 0, where user space is too. A few 64-bit kernels are there
        # themselves (s390x).
        top = int(self._addresses[-1]) if len(self._addresses) else 0
        self._lowest = 1 << (63 if top >> 63 else 30 if is_32_bit else 16)

    def place(self, address: int) -> str:
        """Return `name+0xOFFSET/0xSIZE`, with ` [module]`, or plain hexadecimal without a symbol."""
        text = self._places.get(address)
        if text is None:
            text = self._places[address] = self._place(address)
        return text

    def name(self, address: int) -> str:
        """Return only the name, as in stacks and for the functions of return probes."""
        text = self._names.get(address)
        if text is None:
            found = self.find(address)
            text = f"0x{address:08x}" if found is None else _returning(found[0])
            text = self._names[address] = text if address else "0"
        return text

    def pointer(self, address: int, *, offset: bool) -> str | None:
        """Return what `%pS`, or `%ps` without the offset, prints; None without a symbol."""
        key = address, offset
        if key not in self._pointers:
            found = self.find(address)
            text = None
            if found is not None:
                name, module, inside, size = found
                where = f"+0x{inside:x}/0x{size:x}" if offset else ""
                text = f"{name}{where}" + (f" [{module}]" if module else "")
            self._pointers[key] = text
        return self._pointers[key]

    def frame(self, address: int) -> str:
        """Return a line of a kernel stack."""
        return "[FTRACE TRAMPOLINE]" if address == _STACK_TRAMPOLINE else self.name(address)

    def _place(self, address: int) -> str:
        found = self.find(address)
        if found is None:
            return f"0x{address:x}"
        name, module, offset, size = found
        return f"{name}+0x{offset:x}/0x{size:x}" + (f" [{module}]" if module else "")

    @property
    def is_empty(self) -> bool:
        """Return whether there are no symbols: the kernel hides them, or they were not saved."""
        return not len(self._addresses)

    def find(self, address: int) -> tuple[str, str, int, int] | None:
        """Return name, module, offset and size of the symbol that holds an address."""
        address -= self._offset
        if not self._lowest <= address < 1 << 64 or not len(self._addresses):
            return None
        key = np.uint64(address)
        after = int(np.searchsorted(self._addresses, key, side="right"))
        if not after:
            return None
        start = int(self._addresses[after - 1])
        if start < self._lowest:
            return None
        # If an address has several names, the kernel uses the first.
        at = int(np.searchsorted(self._addresses, np.uint64(start), side="left"))
        name, module, _ = self._line(at)
        if module.startswith(_BUILT_IN) or (module and self._offset):
            return None  # each module moves by another distance
        end = self._end(start, after, module)
        return (name, module, address - start, end - start) if address < end else None

    def _end(self, start: int, after: int, module: str) -> int:
        """Return the end of a symbol: the next symbol; after the last one of a module, the end of a page."""
        if after < len(self._addresses):
            _, other, kind = self._line(after)
            if other == module and (not module or kind in b"tTwW"):
                return int(self._addresses[after])
        return (start // _PAGE + 1) * _PAGE

    def _line(self, row: int) -> tuple[str, str, bytes]:
        start = int(self._starts[row])
        end = self._text.find(b"\n", start)
        line = self._text[start : end if end >= 0 else len(self._text)]
        name, _, module = line[_DIGITS + 3 :].partition(b"\t")
        return (
            name.decode("utf-8", "surrogateescape"),
            module.strip(b"[]").decode("utf-8", "surrogateescape"),
            line[_DIGITS + 1 : _DIGITS + 2],
        )


def _returning(name: str) -> str:
    """Return a frame's text; a return address that a return probe has replaced is not known any more."""
    return "[unknown/kretprobe'd]" if name in _TRAMPOLINES else name


def _addresses(text: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the start of each line and its address, sorted by address; equal addresses keep their order."""
    data = np.frombuffer(text, np.uint8)
    starts = np.flatnonzero(data == ord("\n")) + 1
    starts = np.concatenate([np.zeros(1, np.int64), starts])
    starts = starts[starts + _DIGITS + 3 < len(data)]
    starts = starts[data[starts + _DIGITS] == ord(" ")] if len(starts) else starts
    addresses = _hexadecimal(data, starts)
    named = addresses != 0
    starts, addresses = starts[named], addresses[named]
    if len(addresses) and bool((addresses[1:] < addresses[:-1]).any()):
        order = np.argsort(addresses, kind="stable")
        starts, addresses = starts[order], addresses[order]
    return starts, addresses


def _hexadecimal(data: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Parse the 16 hexadecimal digits at each start: 8 digits in one step."""
    if not len(starts):
        return np.zeros(0, np.uint64)
    anywhere = np.ndarray((len(data) - _DIGITS + 1,), f"V{_DIGITS}", data, 0, (1,))
    digits = anywhere[starts].view(">u8").astype(np.uint64)  # the first digit is the highest byte
    # A letter's code is above 63, and its low bits are its value minus 9.
    values = (digits & _LOW_BITS) + (digits >> np.uint64(6) & _ONES) * np.uint64(9)
    for bits, kept in _PAIRS:  # join neighbours to one of twice the bits
        values = (values | values >> bits) & kept
    halves = values.reshape(-1, 2)
    addresses: NDArray[np.uint64] = halves[:, 0] << np.uint64(32) | halves[:, 1]
    return addresses
