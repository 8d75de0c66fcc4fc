"""Any bytes give an answer, or one error with file and offset."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.errors import Damaged
from ktrace.model.place import SymbolPlace
from ktrace.symbols.dwarf.info import DebugInfo
from ktrace.symbols.elf import Elf
from tests.unit.symbols.dwarf.dwarf_writer import Dwarf

FILES = [Dwarf(4).elf().build(), Dwarf(5).elf().build(), Dwarf(5, indexed=True, aranges=False).elf().build()]


def ask_everything(data: bytes) -> None:
    info = DebugInfo(Elf(data, "demo"))
    info.lines_of("outer")
    info.lines_of("inner")
    info.places_of_line("demo.c", 7)
    info.inlined_sites("inner")
    info.functions_in("*")
    for offset in (0, 0x20, 0x48):
        info.variables(SymbolPlace("outer", offset))


def damage_is_told(data: bytes) -> None:
    try:
        ask_everything(data)
    except Damaged as error:
        assert error.source.startswith("demo")
        assert error.offset >= 0


@pytest.mark.parametrize("number", range(len(FILES)))
def test_truncated_at_every_length(number: int) -> None:
    data = FILES[number]
    for size in range(0, len(data), 7):
        damage_is_told(data[:size])


@pytest.mark.parametrize("number", range(len(FILES)))
def test_every_byte_of_the_debug_sections_broken(number: int) -> None:
    data = FILES[number]
    elf = Elf(data, "demo")
    for header in elf.headers:
        if header.name.startswith(".debug"):
            for at in range(header.offset, header.offset + header.size):
                for value in ((0, 0x7F, 0xFF)[at % 3],):
                    damage_is_told(data[:at] + bytes([value]) + data[at + 1 :])


@settings(max_examples=300, deadline=2000)
@given(number=st.integers(0, len(FILES) - 1), seed=st.integers(0, 1 << 32), count=st.integers(1, 40))
def test_many_bytes_broken(number: int, seed: int, count: int) -> None:
    data = bytearray(FILES[number])
    draw = random.Random(seed)
    for _ in range(count):
        data[draw.randrange(len(data))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
    damage_is_told(bytes(data))


@settings(max_examples=100, deadline=2000)
@given(data=st.binary(max_size=400))
def test_noise(data: bytes) -> None:
    with pytest.raises(Damaged):
        ask_everything(b"\x7fELF\x02\x01" + data)


def test_missing_section_is_named() -> None:
    writer = Dwarf(5).elf()
    writer.sections = [s for s in writer.sections if s[0] != ".debug_line"]
    with pytest.raises(Damaged, match="debug_line"):
        ask_everything(writer.build())
