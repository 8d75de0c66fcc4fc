"""Writes small ELF files for tests: sections, symbols, relocations, a build-id.

Layouts are those of elf(5); nothing is shared with the reader.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

PROGBITS, SYMTAB, STRTAB, RELA, NOTE = 1, 2, 3, 4, 7
ALLOC, COMPRESSED = 2, 0x800
TEXT = 0xFFFFFFFF81000000


@dataclass
class ElfWriter:
    machine: int = 62
    type: int = 2  # ET_EXEC; 1 is ET_REL
    sections: list[tuple[str, int, int, int, bytes, int, int]] = field(default_factory=list)
    symbols: list[tuple[str, int, int, int, int]] = field(default_factory=list)
    relocations: dict[str, list[tuple[int, int, int, int]]] = field(default_factory=dict)

    def section(
        self,
        name: str,
        data: bytes,
        kind: int = PROGBITS,
        flags: int = 0,
        address: int = 0,
        *,
        pack: bool = False,
    ) -> int:
        """Number of the section, from 1."""
        if pack:
            data = struct.pack("<IIQQ", 1, 0, len(data), 1) + zlib.compress(data)
            flags |= COMPRESSED
        self.sections.append((name, kind, flags, address, data, 0, 0))
        return len(self.sections)

    def build_id(self, hexadecimal: str) -> None:
        value = bytes.fromhex(hexadecimal)
        self.section(
            ".note.gnu.build-id", struct.pack("<III4s", 4, len(value), 3, b"GNU\0") + value, NOTE, ALLOC
        )

    def function(self, name: str, address: int, size: int, section: int = 1, info: int = 0x12) -> int:
        """Number of the symbol. `info`: binding and type; 0x12 is a global function, 0x02 a local one."""
        self.symbols.append((name, info, section, address, size))
        return len(self.symbols)

    def relocation(self, section: str, offset: int, symbol: int, kind: int, addend: int) -> None:
        self.relocations.setdefault(section, []).append((offset, symbol, kind, addend))

    def build(self) -> bytes:
        """The file."""
        strings, table = bytearray(b"\0"), bytearray(24)
        for name, info, section, address, size in self.symbols:
            table += struct.pack("<IBBHQQ", len(strings), info, 0, section, address, size)
            strings += name.encode() + b"\0"
        sections = list(self.sections)
        names = [s[0] for s in sections]
        symtab = len(sections) + 1
        sections.append((".symtab", SYMTAB, 0, 0, bytes(table), symtab + 1, 1))
        sections.append((".strtab", STRTAB, 0, 0, bytes(strings), 0, 0))
        for of, entries in self.relocations.items():
            data = b"".join(struct.pack("<QQq", o, s << 32 | kind, addend) for o, s, kind, addend in entries)
            sections.append((f".rela{of}", RELA, 0, 0, data, symtab, names.index(of) + 1))
        return self._assemble(sections)

    def _assemble(self, sections: Sequence[tuple[str, int, int, int, bytes, int, int]]) -> bytes:
        names = bytearray(b"\0")
        body, headers = bytearray(64), [bytes(64)]
        for name, kind, flags, address, data, link, info in [
            *sections,
            (".shstrtab", STRTAB, 0, 0, b"", 0, 0),
        ]:
            start = len(names)
            names += name.encode() + b"\0"
            content = bytes(names) if name == ".shstrtab" else data
            body += bytes(-len(body) % 8)
            entry = 24 if kind in (SYMTAB, RELA) else 0
            headers.append(
                struct.pack(
                    "<IIQQQQIIQQ", start, kind, flags, address, len(body), len(content), link, info, 1, entry
                )
            )
            body += content
        body += bytes(-len(body) % 8)
        ident = b"\x7fELF\x02\x01\x01" + bytes(9)
        body[:64] = ident + struct.pack(
            "<HHIQQQIHHHHHH", self.type, self.machine, 1, 0, 0, len(body), 0, 64, 0, 0, 64, len(headers),
            len(headers) - 1,
        )  # fmt: skip
        return bytes(body) + b"".join(headers)
