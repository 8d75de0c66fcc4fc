"""Lines and inlined calls agree with `addr2line -i` of GNU binutils."""

import os.path
import random
import subprocess
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from ktrace.model.miss import Miss
from ktrace.symbols.dwarf.info import DebugInfo
from ktrace.symbols.elf_symbols import ElfSymbol

SEED = 20240612
Chain = list[tuple[str, str, int]]  # function, file, line


def addr2line(vmlinux: Path, addresses: Iterable[int], folder: str) -> dict[int, Chain]:
    command = ["addr2line", "-i", "-f", "-a", "-e", str(vmlinux)]
    text = "\n".join(hex(a) for a in addresses)
    output = subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout
    found: dict[int, Chain] = {}
    chain: Chain = []
    lines = iter(output.splitlines())
    for line in lines:
        if line.startswith("0x"):
            chain = found[int(line, 16)] = []
            continue
        path, _, number = next(lines).split(" (disc")[0].rpartition(":")
        path = os.path.normpath(path.removeprefix(folder + "/"))
        chain.append((line, path, int(number) if number.isdigit() else 0))
    return found


def _folder(info: DebugInfo, drawn: Sequence[ElfSymbol]) -> str:
    lines = info.lines_of(drawn[0].name)
    assert not isinstance(lines, Miss)
    return lines[0].directory


def test_address_to_line(info: DebugInfo, vmlinux: Path, drawn: Sequence[ElfSymbol]) -> None:
    draw = random.Random(SEED)
    addresses = [s.address for s in drawn]
    addresses += [s.address + draw.randrange(s.size) for s in drawn for _ in range(5)]
    theirs = addr2line(vmlinux, addresses, _folder(info, drawn))
    other_file = []
    for address in theirs:
        ours = [(f.function, f.file, f.line) for f in info.source_at_address(address)]
        assert [(f, n) for f, _, n in ours] == [(f, n) for f, _, n in theirs[address]], hex(address)
        if ours != theirs[address]:
            # binutils before 2.41 takes the first file of DWARF 5 for the unit's own until a program
            # sets another; `readelf --debug-dump=decodedline` of the same binutils says what we say.
            assert ours[0][1].endswith(".h"), hex(address)
            assert theirs[address][0][1].endswith(".c")
            other_file.append(address)
    print(f"{len(theirs)} addresses: same functions and lines; {len(other_file)} with that fault of binutils")
    assert len(other_file) < len(theirs) / 20


def test_inlined_sites(info: DebugInfo, vmlinux: Path, drawn: Sequence[ElfSymbol]) -> None:
    """Functions that addr2line finds inlined at random addresses: it sees them at every site of ours,
    and ours has the addresses where it sees them."""
    draw = random.Random(SEED + 1)
    seen: dict[str, int] = {}
    addresses = [s.address + draw.randrange(s.size) for s in drawn for _ in range(10)]
    for address, chain in addr2line(vmlinux, addresses, "").items():
        for function, _, _ in chain[:-1]:
            seen.setdefault(function, address)
    names = sorted(seen)
    draw.shuffle(names)
    checked = sites = 0
    for name in names:
        if checked == 200:
            break
        found = info.inlined_sites(name)
        assert not isinstance(found, Miss), name
        checked += 1
        whole = [site for site in found if site.size][:40]
        theirs = addr2line(vmlinux, [site.spot.address for site in whole], _folder(info, drawn))
        for site in whole:
            chain = theirs[site.spot.address]
            # The line of the call is reported with the function that it is in.
            calls = [(f, path, n) for _, (f, path, n) in pairwise(chain)]
            inner = [f for f, _, _ in chain[:-1]]
            assert name in inner, (name, hex(site.spot.address))
            assert (site.caller, site.file, site.line) in calls, (name, hex(site.spot.address))
            sites += 1
    print(f"{checked} inlined functions: {sites} sites, the same calls")
    assert checked >= 100


def test_lines_of_a_function_that_is_only_inlined(info: DebugInfo) -> None:
    """Only the function's own line counts: not that of the call, with which its code may start."""
    found = info.lines_of("new_sync_read")
    assert not isinstance(found, Miss)
    assert {line.line - found[0].declared for line in found[0].lines} <= set(range(16))
