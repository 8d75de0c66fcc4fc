"""Spell the arguments of traced functions as the kernel does, by the BTF in their recording.

See print_function_args in kernel/trace/trace_output.c: of a function that BTF does not describe, the kernel
prints empty parentheses.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ktrace.errors import Damaged
from ktrace.model.ctype import Enum, Float, Function, Int, Param, Pointer, Record, Void, bare

if TYPE_CHECKING:
    from ktrace.symbols.btf import Btf


class FunctionArguments:
    """Spells arguments; the BTF is read for the first one.

    Args:
        data: the BTF of vmlinux; empty if there is none.
        name: returns the name of the function at an address.
        source: where the BTF is from, for errors.
        long: bytes of the traced kernel's `long`.
        big_endian: the order of bytes in the BTF.
    """

    # many parameters: what the recording and its machine are
    def __init__(
        self, data: bytes, name: Callable[[int], str], source: str, *, long: int = 8, big_endian: bool = False
    ) -> None:
        # The reader of BTF takes numbers in the order of this machine.
        self._data = data if big_endian == (sys.byteorder == "big") else b""
        self._name = name
        self._source = source
        self._long = long
        self._btf: Btf | None = None

    def __call__(self, address: int, values: Sequence[int]) -> str | None:
        """Return the arguments of a call in parentheses; None if there is no BTF.

        Args:
            address: of the function.
            values: what the kernel recorded: as many longs as its calling convention has in registers.
        """
        if not self._data:
            return None
        try:
            if self._btf is None:
                from ktrace.symbols.btf import Btf  # noqa: PLC0415 -- few recordings have such events

                self._btf = Btf(self._data, self._source)
            found = self._btf.functions(self._name(address))
        except Damaged:
            self._data = b""
            return None
        return f"({', '.join(self._spelled(found[0], list(values)))})" if isinstance(found, tuple) else "()"

    def _spelled(self, function: Function, left: list[int]) -> list[str]:
        texts: list[str] = []
        rest = (Param("", Void()),) if function.proto.variadic else ()
        for param in (*function.proto.params, *rest):
            if not left:
                return [*texts, "..."]
            value = left.pop(0)
            ctype = bare(param.type)
            match ctype:
                case Int(signed=True) | Enum():
                    text = str(self._signed(value))
                case Int() | Pointer():
                    text = f"0x{value:x}"
                case Record():
                    text, complete = self._record(ctype, value, left)
                    if not complete:
                        return [*texts, f"{param.name}={text}"]
                case Float():
                    text = f"(FLOAT)[0x{value:x}]"
                case _:
                    text = f"?0x{value:x}"
            texts.append(f"{param.name}={text}" if param.name else text)
        return texts

    def _record(self, ctype: Record, value: int, left: list[int]) -> tuple[str, bool]:
        """Return a struct that is passed in registers, taking those, and whether all of it is there."""
        text = f"({ctype.kind.upper()})[0x{value:x}"
        for _ in range(self._long, ctype.size, self._long):
            if not left:
                return text + ":...]", False
            text += f":0x{left.pop(0):x}"
        return text + "]", True

    def _signed(self, value: int) -> int:
        bits = 8 * self._long
        return value - (1 << bits) if value >> (bits - 1) & 1 else value
