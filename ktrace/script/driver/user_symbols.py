"""Look up addresses of processes: the mapped file and the function in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ktrace.errors import KtraceError
from ktrace.host.host import Host
from ktrace.symbols.elf import Elf
from ktrace.symbols.elf_symbols import ElfSymbols
from ktrace.tracefs.files import Files

_ALLOC = 2  # SHF_ALLOC: a section that is loaded into memory
_NOBITS = 8
_LINE = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \d+ +(/.*)")


@dataclass(frozen=True, slots=True)
class _Mapping:
    start: int
    end: int
    offset: int
    path: str


@dataclass(slots=True)
class UserSymbols:
    """Looks up addresses in /proc/PID/maps, while the process lives, and in the mapped files."""

    proc: Files
    _maps: dict[int, list[_Mapping]] = field(default_factory=dict)
    _files: dict[str, tuple[Elf, ElfSymbols] | None] = field(default_factory=dict)

    def __call__(self, pid: int, address: int) -> tuple[str, str] | None:
        """Return the symbol of an address (`main+0x4/0x20`, or empty) and its place (`/bin/x+0x1139`).

        Return None if no file is mapped there or the process has ended.
        """
        found = self._mapping(pid, address)
        if found is None:
            return None
        offset = address - found.start + found.offset
        return self._name(found.path, offset), f"{found.path}+0x{offset:x}"

    def _mapping(self, pid: int, address: int) -> _Mapping | None:
        for again in (False, True):  # the process may have mapped more files since
            if again or pid not in self._maps:
                self._maps[pid] = list(self._read(pid)) or self._maps.get(pid, [])
            for one in self._maps[pid]:
                if one.start <= address < one.end:
                    return one
        return None

    def _read(self, pid: int) -> Iterator[_Mapping]:
        try:
            text = self.proc.read_bytes(f"{pid}/maps")
        except OSError:
            return
        for line in text.splitlines():
            match = _LINE.match(line)
            if match:
                start, end, offset = (int(match[n], 16) for n in (1, 2, 3))
                yield _Mapping(start, end, offset, match[4].decode("latin-1"))

    def _name(self, path: str, offset: int) -> str:
        if path not in self._files:
            self._files[path] = _open(self.proc.host, path)
        opened = self._files[path]
        if opened is None:
            return ""
        elf, symbols = opened
        for header in elf.headers:
            if header.flags & _ALLOC and header.type != _NOBITS and 0 <= offset - header.offset < header.size:
                address = offset - header.offset + header.address
                for symbol in symbols.at(address):
                    return f"{symbol.name}+0x{address - symbol.address:x}/0x{symbol.size:x}"
        return ""


def _open(host: Host, path: str) -> tuple[Elf, ElfSymbols] | None:
    try:
        elf = Elf.of_host(host, Path(path.encode("latin-1").decode("utf-8", "surrogateescape")))
        return elf, ElfSymbols(elf)
    except (OSError, KtraceError):
        return None
