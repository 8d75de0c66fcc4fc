"""BTF blobs and ELF files with debug information, of the kernel, its modules and programs."""

from ktrace.errors import Damaged
from ktrace.model.ctype import Record, signature
from ktrace.model.miss import Miss
from ktrace.model.place import SymbolPlace
from ktrace.symbols.btf import Btf
from ktrace.symbols.dwarf.info import DebugInfo
from ktrace.symbols.elf import Elf
from ktrace.symbols.elf_symbols import ElfSymbols
from tests.fuzz.mutate import Material
from tests.fuzz.target import Target
from tests.unit.symbols.btf_samples import every_kind, module
from tests.unit.symbols.dwarf.dwarf_writer import Dwarf


class Btfs(Target):
    """BTF: `/sys/kernel/btf/vmlinux` and what modules add to it."""

    name = "btf"
    allowed = (Damaged,)

    def material(self) -> Material:
        """Build blobs with every kind of type, and one of a module."""
        base, own = module()
        return Material([every_kind().to_bytes(), every_kind().to_bytes(32), base.to_bytes(), own.to_bytes()])

    def run(self, data: bytes) -> None:
        """Ask for everything; each question may be answered with Damaged."""
        btf = Btf(data, "blob")
        for ask in (_functions, _records, _names, _types):
            try:
                ask(btf)
            except Damaged as error:
                assert 0 <= error.offset <= len(data)
        Btf(module()[1].to_bytes(), "own", btf).functions("probe_one")


def _functions(btf: Btf) -> None:
    for name in ("first", "print", "yes", "both"):
        found = btf.functions(name)
        for one in () if isinstance(found, Miss) else found:
            signature(one)


def _records(btf: Btf) -> None:
    for name in ("file", "path", "flags", "net"):
        found = btf.record("struct", name)
        if isinstance(found, Record):
            btf.members(found)
    btf.enum("color")
    btf.enum("wide")
    btf.typedef("text_t")


def _names(btf: Btf) -> None:
    for _ in btf.names("function"):
        pass


def _types(btf: Btf) -> None:
    for number in range(btf.type_count):
        btf._decoder.type(number)


class Elfs(Target):
    """ELF files: sections, symbols, notes and DWARF of versions 4 and 5."""

    name = "elf"
    allowed = (Damaged,)

    def material(self) -> Material:
        """Build small programs with debug information."""
        return Material(
            [
                Dwarf(4).elf().build(),
                Dwarf(5).elf().build(),
                Dwarf(5, indexed=True, aranges=False).elf().build(),
            ]
        )

    def run(self, data: bytes) -> None:
        """Ask for symbols, then for lines, places, inlined calls and variables."""
        elf = Elf(data, "demo")
        for ask in (elf.build_id, lambda: _symbols(elf), lambda: _debug_info(elf)):
            try:
                ask()
            except Damaged as error:
                assert error.offset >= 0


def _symbols(elf: Elf) -> None:
    symbols = ElfSymbols(elf)
    for name in ("outer", "inner") * 7:
        symbols.find(name)
        symbols.variants(name)
    symbols.at(0x1010)


def _debug_info(elf: Elf) -> None:
    info = DebugInfo(elf)
    info.lines_of("outer")
    info.lines_of("inner")
    info.places_of_line("demo.c", 7)
    info.inlined_sites("inner")
    info.functions_in("*")
    for offset in (0, 0x20, 0x48):
        info.variables(SymbolPlace("outer", offset))
