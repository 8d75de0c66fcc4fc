"""Name the kernel's addresses for a script. The symbols are read when it first asks for one."""

from collections.abc import Callable
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING

from ktrace.errors import KtraceError
from ktrace.model.place import SymbolPlace
from ktrace.records import dataclass
from ktrace.script.runtime.state import KernelSymbol

if TYPE_CHECKING:
    from ktrace.diagnostic import Notify
    from ktrace.stream.symbol_table import SymbolTable
    from ktrace.symbols.dwarf.info import DebugInfo


@dataclass
class KernelSymbols:
    """The symbols of a kernel, and the places of the source that they come from.

    Args:
        load: reads the symbols.
        debug_info: returns the kernel's debug info; None if a place in the source cannot be known.
        note: is told once if no address has a name, or no place in the source is known.
    """

    load: "Callable[[], SymbolTable]"
    debug_info: "Callable[[], DebugInfo] | None"
    note: "Notify"
    _told: set[str] = field(default_factory=set)

    @cached_property
    def table(self) -> "SymbolTable":
        """Return all symbols."""
        return self.load()

    def __call__(self, address: int) -> KernelSymbol | None:
        """Return the symbol that holds an address; None if there is none."""
        address &= (1 << 64) - 1
        found = self.table.find(address)
        if self.table.is_empty:
            self._tell("addresses of the kernel have no names: its symbols cannot be read")
        if found is None:
            return None
        name, module, offset, size = found
        return KernelSymbol(name, offset, size, module or None)

    def line(self, symbol: KernelSymbol) -> tuple[str, int] | None:
        """Return file and line of the source of a place; None if they are not known."""
        if self.debug_info is None or symbol.module is not None:
            self._tell("places in the source of the kernel are not known: --vmlinux FILE has them")
            return None
        try:
            frames = self.debug_info().source_at(SymbolPlace(symbol.name, symbol.offset))
        except KtraceError as error:
            self._tell(f"places in the source of the kernel are not known: {error.message}")
            return None
        return (frames[0].file, frames[0].line) if frames else None

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.note(f"WARNING: {text}")
