import struct
from pathlib import Path

import pytest

from ktrace.errors import Damaged
from ktrace.model.place import SymbolPlace
from ktrace.symbols.dwarf.info import DebugInfo
from ktrace.symbols.elf import Elf
from ktrace.symbols.elf_symbols import ElfSymbols
from tests.unit.symbols.dwarf.dwarf_writer import BUILD_ID, Dwarf
from tests.unit.symbols.elf_writer import ALLOC, TEXT, ElfWriter


def simple() -> ElfWriter:
    writer = ElfWriter()
    writer.section(".text", bytes(64), flags=ALLOC, address=TEXT)
    writer.build_id(BUILD_ID)
    return writer


def test_sections_and_build_id(tmp_path: Path) -> None:
    writer = simple()
    writer.section(".plain", b"hello\0world\0")
    writer.section(".packed", b"again " * 100, pack=True)
    path = tmp_path / "file"
    path.write_bytes(writer.build())
    elf = Elf.open(path)
    assert (elf.machine, elf.relocatable, elf.build_id()) == ("x86_64", False, BUILD_ID)
    plain, packed = elf.section(".plain"), elf.section(".packed")
    assert plain and packed
    assert plain.string(6) == b"world"
    assert plain.start_of_string(8) == 6
    assert list(plain.find_all(b"o")) == [4, 7]
    assert packed.read_all() == b"again " * 100
    assert elf.section(".missing") is None


def test_sections_are_not_left() -> None:
    writer = simple()
    writer.section(".small", b"abcd")
    writer.section(".next", b"efgh")
    section = Elf(writer.build(), "f").section(".small")
    assert section
    assert section.find(b"e") == -1
    for offset, size in ((0, 5), (4, 1), (-1, 1), (2, -1)):
        with pytest.raises(Damaged):
            section.read(offset, size)
    with pytest.raises(Damaged, match=r"f \[\.small\]: offset 0"):
        section.string(0)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "not an ELF"), (b"MZ" * 40, "not an ELF"), (b"\x7fELF\x01\x01" + bytes(60), "64-bit"),
     (b"\x7fELF\x02\x02" + bytes(60), "little-endian")],
)  # fmt: skip
def test_other_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(Damaged, match=message):
        Elf(data, "f")


def test_compressed_sections_that_lie() -> None:
    for claimed, method, message in ((1 << 40, 1, "cannot become"), (5, 1, "announced"), (600, 2, "zstd")):
        writer = simple()
        writer.section(".packed", b"again " * 100, pack=True)
        data = bytearray(writer.build())
        header = next(h for h in Elf(bytes(data), "f").headers if h.name == ".packed")
        struct.pack_into("<I4xQ", data, header.offset, method, claimed)
        with pytest.raises(Damaged, match=message):
            Elf(bytes(data), "f").section(".packed")


def test_symbols() -> None:
    writer = simple()
    writer.function("read", TEXT, 16)
    writer.function("vfs_read", TEXT + 16, 16)
    writer.function("vfs_read.isra.0", TEXT + 32, 8, info=2)
    writer.function("vfs_read.cold", TEXT + 40, 8, info=2)
    writer.function("alias", TEXT + 16, 16)
    writer.function("__pfx_vfs_read", TEXT + 16, 16)
    symbols = ElfSymbols(Elf(writer.build(), "f"))
    assert [s.address - TEXT for s in symbols.find("read")] == [0]
    assert [s.name for s in symbols.variants("vfs_read")] == ["vfs_read.isra.0"]
    assert [s.name for s in symbols.at(TEXT + 20)] == ["alias", "vfs_read"]
    assert symbols.at(TEXT + 48) == symbols.at(TEXT - 1) == symbols.find("nothing") == []
    for _ in range(20):  # many names are looked up in another way
        assert [s.address - TEXT for s in symbols.find("vfs_read")] == [16]


def test_file_without_symbols() -> None:
    elf = Elf(b"\x7fELF\x02\x01" + bytes(58), "f")
    assert elf.headers == ()
    assert ElfSymbols(elf).find("f") == ElfSymbols(elf).at(0) == []


@pytest.mark.parametrize(("machine", "kind"), [(62, 1), (183, 257), (243, 2)])
def test_a_module_is_relocated_and_its_sections_apart(machine: int, kind: int) -> None:
    writer = ElfWriter(machine=machine, type=1)
    writer.section(".text", bytes(64), flags=ALLOC)
    writer.section(".init.text", bytes(64), flags=ALLOC)
    writer.section(".debug_x", bytes(16))
    writer.function("first", 4, 8, section=1)
    second = writer.function("second", 4, 8, section=2)
    writer.relocation(".debug_x", 8, second, kind, 3)
    elf = Elf(writer.build(), "m.ko")
    section, symbols = elf.section(".debug_x"), ElfSymbols(elf)
    assert section
    (place,) = symbols.at(section.u64(8))
    assert (place.name, section.u64(8) - place.address) == ("second", 3)
    assert symbols.find("first")[0].address != place.address


def test_relocations_that_make_no_sense() -> None:
    for kind, symbol, offset in ((99, 1, 0), (1, 9, 0), (1, 1, 12)):
        writer = ElfWriter(type=1)
        writer.section(".text", bytes(64), flags=ALLOC)
        writer.section(".debug_x", bytes(16))
        writer.function("first", 4, 8)
        writer.relocation(".debug_x", offset, symbol, kind, 0)
        with pytest.raises(Damaged, match="relocation"):
            Elf(writer.build(), "m.ko").section(".debug_x")


def test_a_module_names_itself() -> None:
    info = DebugInfo(Elf(Dwarf(5).elf().build(), "m.ko"), module="demo")
    found = info.inlined_sites("inner")
    assert isinstance(found, tuple)
    assert found[0].spot.place == SymbolPlace("outer", 0x40, "demo")
