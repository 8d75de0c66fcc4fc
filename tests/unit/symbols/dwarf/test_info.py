from pathlib import Path

import pytest

from ktrace.model.ctype import declare
from ktrace.model.debuginfo import Absent, InMemory, InRegister
from ktrace.model.miss import Miss
from ktrace.model.place import SymbolPlace
from ktrace.symbols.dwarf.info import DebugInfo
from ktrace.symbols.elf import Elf
from tests.unit.symbols.dwarf.dwarf_writer import Dwarf
from tests.unit.symbols.elf_writer import TEXT

KINDS = {
    "4": Dwarf(4),
    "5": Dwarf(5),
    "5, strings and addresses by number, no aranges": Dwarf(5, indexed=True, aranges=False),
    "4, no aranges": Dwarf(4, aranges=False),
}


@pytest.fixture(params=KINDS, ids=str)
def info(request: pytest.FixtureRequest, tmp_path: Path) -> DebugInfo:
    return DebugInfo(Elf(KINDS[request.param].elf().build(), "demo"), tmp_path)


def places(spots: object) -> list[str]:
    assert isinstance(spots, tuple), spots
    return [spot.place.to_text() for spot in spots]


def test_lines_of_a_function(info: DebugInfo) -> None:
    found = info.lines_of("outer")
    assert isinstance(found, tuple)
    (one,) = found
    assert (one.function, one.file, one.directory, one.declared) == ("outer", "demo.c", "/build", 20)
    assert {line.line: places(line.spots) for line in one.lines} == {
        20: ["outer"],
        22: ["outer+8"],  # the second row continues the same line
        23: ["outer+32"],  # not again where the call begins that was inlined
        24: ["outer+96"],  # and not 25, which begins no statement
    }


def test_line_of_a_function(info: DebugInfo) -> None:
    assert places(info.place_of_function_line("outer", 4)) == ["outer+96"]
    missing = info.place_of_function_line("outer", 5)
    assert isinstance(missing, Miss)
    assert missing.near[0] == "outer:4"


def test_functions_of_one_name_are_told_apart(info: DebugInfo) -> None:
    found = info.lines_of("twice")
    assert isinstance(found, tuple)
    spots = [one.spot for one in found]
    assert [(s.nth, s.copies, s.address) for s in spots if s] == [(1, 2, TEXT + 0x100), (2, 2, TEXT + 0x140)]
    assert [one.declared for one in found] == [30, 40]


def test_line_of_a_file(info: DebugInfo) -> None:
    assert places(info.places_of_line("demo.c", 7)) == ["outer+64"]
    assert places(info.places_of_line("/build/demo.c", 24)) == ["outer+96"]
    assert isinstance(info.places_of_line("build/demo.c", 24), tuple)
    missing = info.places_of_line("demo.c", 21)
    assert isinstance(missing, Miss)
    assert missing.near[0] == "demo.c:20"
    assert isinstance(info.places_of_line("emo.c", 24), Miss)
    assert isinstance(info.places_of_line("other.c", 1), Miss)


def test_lines_of_a_function_that_is_only_inlined(info: DebugInfo) -> None:
    found = info.lines_of("inner")
    assert isinstance(found, tuple)
    assert found[0].spot is None
    assert [(line.line, places(line.spots)) for line in found[0].lines] == [(7, ["outer+64"])]


def test_inlined_sites(info: DebugInfo) -> None:
    found = info.inlined_sites("inner")
    assert isinstance(found, tuple)
    (site,) = found
    assert site.spot.place == SymbolPlace("outer", 0x40)
    assert (site.caller, site.file, site.line, site.size) == ("outer", "demo.c", 23, 0x20)
    assert isinstance(info.inlined_sites("outer"), Miss)
    assert isinstance(info.inlined_sites("nothing"), Miss)


def test_address_to_source(info: DebugInfo) -> None:
    frames = [(f.function, f.file, f.line) for f in info.source_at(SymbolPlace("outer", 0x55))]
    assert frames == [("inner", "demo.c", 7), ("outer", "demo.c", 23)]
    assert info.source_at(SymbolPlace("outer", 0x200)) == ()
    assert info.source_at(SymbolPlace("nothing")) == ()


def test_variables_at_entry(info: DebugInfo) -> None:
    found = info.variables(SymbolPlace("outer"))
    assert not isinstance(found, Miss)
    by_name = {v.name: v for v in found.variables}
    assert list(by_name) == ["file", "n", "v", "gone"]
    assert declare(by_name["file"].type or pytest.fail(), "file") == "struct thing *file"
    assert by_name["file"].location == InRegister("di")
    assert by_name["n"].location == InMemory("sp", (-12,))  # the frame address is sp+8 here
    assert by_name["n"].fetch is not None
    assert by_name["n"].fetch.to_text() == "n=-12(%sp):s32"
    assert isinstance(by_name["v"].location, Absent)
    assert by_name["gone"].location == Absent("optimized out")


def test_variables_inside(info: DebugInfo) -> None:
    found = info.variables(SymbolPlace("outer", 0x20))
    assert not isinstance(found, Miss)
    by_name = {v.name: v for v in found.variables}
    assert by_name["v"].location == InRegister("ax")
    assert by_name["n"].location == InMemory("sp", (44,))  # sp+64 since 0x08


def test_variables_of_an_inlined_function(info: DebugInfo) -> None:
    found = info.variables(SymbolPlace("outer", 0x48))
    assert not isinstance(found, Miss)
    assert [(v.function, v.name) for v in found.variables][:2] == [("inner", "x"), ("outer", "file")]
    x, *_, v, _ = found.variables
    assert isinstance(x.location, Absent)  # di+8, and no fetch argument adds
    assert v.location == InMemory("sp", (16,))


def test_functions_of_a_source_file(info: DebugInfo) -> None:
    found = info.functions_in("demo*")
    assert isinstance(found, tuple)
    assert [(f.name, f.line, f.spot.nth) for f in found] == [
        ("outer", 20, 1),
        ("twice", 30, 1),
        ("twice", 40, 2),
    ]
    assert isinstance(info.functions_in("other/*"), Miss)


def test_index_is_kept_and_mistrusted(tmp_path: Path) -> None:
    data = KINDS["4, no aranges"].elf().build()

    def ask() -> list[str]:
        return places(DebugInfo(Elf(data, "demo"), tmp_path).place_of_function_line("outer", 4))

    assert ask() == ["outer+96"]
    (kept,) = tmp_path.iterdir()
    good = kept.read_bytes()
    assert ask() == ["outer+96"]
    for bad in (b"", good[:-1], good[:40] + b"\xff" + good[41:], bytes(len(good))):
        kept.write_bytes(bad)
        assert ask() == ["outer+96"]
        assert kept.read_bytes() == good
    kept.unlink()
    kept.mkdir()  # cannot be written: slower, but right
    assert ask() == ["outer+96"]


@pytest.mark.parametrize(("machine", "first"), [(62, "di"), (183, "x5"), (243, "t0")])
def test_registers_have_the_machines_names(machine: int, first: str) -> None:
    info = DebugInfo(Elf(Dwarf(5).elf(machine=machine).build(), "demo"))
    found = info.variables(SymbolPlace("outer"))
    assert not isinstance(found, Miss)
    assert found.variables[0].location == InRegister(first)
