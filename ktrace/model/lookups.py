"""Look-up tables of a kernel, needed to print its records."""

from collections.abc import Callable, Sequence

from ktrace.records import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Lookups:
    """Look-up functions. Each is called once for a distinct value, not once for a row.

    Attributes:
        symbol: the name at an address, such as `vfs_read`; with its offset if the second argument is true
            (`vfs_read+0x4/0x370`); followed by ` [module]` in a module. None if there is no symbol.
        text: the string at a kernel address (`printk_formats`); None if unknown.
        constant: the value of a name from the kernel's headers (of an enum); None if unknown.
        task: the name of the task with a thread id.
        arguments: the text of a function's arguments, of its address and the recorded values; None if
            nothing describes them.
        call_texts: whether the kernel records the strings that system call arguments point to; such a
            kernel prints system calls differently.
        long: bytes of the kernel's `long` and of its pointers.
        big_endian: the order of bytes in the kernel's numbers.
    """

    symbol: Callable[[int, bool], str | None] = lambda _address, _offset: None
    text: Callable[[int], str | None] = lambda _address: None
    constant: Callable[[str], int | None] = lambda _name: None
    task: Callable[[int], str] = lambda _pid: "<...>"
    arguments: Callable[[int, Sequence[int]], str | None] = lambda _address, _values: None
    call_texts: bool = False
    long: int = 8
    big_endian: bool = False


NO_LOOKUPS = Lookups()
"""Look-ups that find nothing."""
