"""The kernel with debug info that `fetch.py` has put into the cache folder. Run by hand: it takes minutes."""

import random
import runpy
from collections.abc import Sequence
from pathlib import Path

import pytest

from ktrace.model.place import SymbolPlace
from ktrace.symbols.dwarf.info import DebugInfo
from ktrace.symbols.elf import Elf
from ktrace.symbols.elf_symbols import ElfSymbol, ElfSymbols

SEED = 20240612
FUNCTIONS = 200


@pytest.fixture(scope="session")
def vmlinux() -> Path:
    found = runpy.run_path(str(Path(__file__).with_name("fetch.py")))["vmlinux"]()
    if found is None:
        pytest.fail("no debug info: run tests/dwarf/fetch.py first")
    return found


@pytest.fixture(scope="session")
def info(vmlinux: Path, tmp_path_factory: pytest.TempPathFactory) -> DebugInfo:
    return DebugInfo(Elf.open(vmlinux), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def drawn(vmlinux: Path, info: DebugInfo) -> Sequence[ElfSymbol]:
    """Return functions with unique names, with debug info."""
    symbols = ElfSymbols(Elf.open(vmlinux))
    addresses = {
        a for h in Elf.open(vmlinux).headers if h.name in (".text", ".init.text") for a in (h.address,)
    }
    draw = random.Random(SEED)
    names = sorted(name.decode() for name in symbols._all_names())
    draw.shuffle(names)
    found: list[ElfSymbol] = []
    for name in names:
        same = symbols.find(name)
        if "." in name or len(same) != 1 or not same[0].size or same[0].address < min(addresses):
            continue
        # Of functions with the same code a compiler keeps one; the others' names are not described.
        lines = info.lines_of(name) if info.source_at(SymbolPlace(name)) else None
        if isinstance(lines, tuple) and lines[0].spot:
            found.append(same[0])
        if len(found) == FUNCTIONS:
            return found
    raise AssertionError("too few functions")
