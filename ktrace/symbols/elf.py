"""Read ELF files: sections, build-id and symbols.

Only 64-bit little-endian files are read: every machine that ktrace supports has those. The format follows the
System V ABI, chapters "Object Files" and "Program Loading" (elf(5)); compressed sections follow
"SHF_COMPRESSED" there; relocations follow the psABI of each machine.

A file is mapped and read on demand: a kernel with debug info is 340 MB, of which a look-up needs a few
hundred kB.
"""

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ktrace.errors import Damaged
from ktrace.host.host import Host
from ktrace.symbols.btf_cache import build_id
from ktrace.symbols.elf_relocate import relocate

Buffer: TypeAlias = mmap.mmap | bytes

MACHINES = {62: "x86_64", 183: "aarch64", 243: "riscv64"}  # e_machine to `uname -m`

_ET_REL = 1
_SHT_SYMTAB, _SHT_RELA, _SHT_NOTE, _SHT_NOBITS = 2, 4, 7, 8
_SHF_ALLOC, _SHF_COMPRESSED = 2, 0x800
_COMPRESSED_ZLIB, _COMPRESSED_ZSTD = 1, 2
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL_SIZE, _RELA_SIZE = 24, 24
_MODULE_ALIGN = 1 << 24  # sections of a module get separate addresses: see `Elf._lay_out`


@dataclass(frozen=True, slots=True)
class Header:
    """One section header. `offset`, `size` in bytes; `address` as linked, or as `Elf._lay_out` sets it."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int


class Section:
    """The bytes of a section. Offsets are in bytes from its start; no byte outside the section is read."""

    def __init__(self, name: str, data: Buffer, start: int, size: int, source: str) -> None:
        self.name = name
        self.size = size
        self.source = f"{source} [{name}]"
        self._data = data
        self._start = start

    def read(self, offset: int, size: int) -> bytes:
        """Return a copy of a part. Raises Damaged if it reaches beyond the section."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise self.damaged(offset, f"{size} bytes are wanted there, the section has {self.size}")
        at = self._start + offset
        return bytes(self._data[at : at + size])

    def read_all(self) -> bytes:
        """Return a copy of the whole section."""
        return self.read(0, self.size)

    def u32(self, offset: int) -> int:
        """Read an unsigned 32-bit number."""
        return int.from_bytes(self.read(offset, 4), "little")

    def u64(self, offset: int) -> int:
        """Read an unsigned 64-bit number."""
        return int.from_bytes(self.read(offset, 8), "little")

    def string(self, offset: int) -> bytes:
        """Return the bytes up to the next zero."""
        end = -1
        if 0 <= offset < self.size:
            end = self._data.find(b"\0", self._start + offset, self._start + self.size)
        if end < 0:
            raise self.damaged(offset, "no string begins there")
        return bytes(self._data[self._start + offset : end])

    def start_of_string(self, offset: int) -> int:
        """Return the start of the string that holds byte `offset`."""
        before = self._data.rfind(b"\0", self._start, self._start + min(offset, self.size))
        return before + 1 - self._start if before >= 0 else 0

    def find(self, wanted: bytes, start: int = 0, end: int | None = None) -> int:
        """Return the offset of the next `wanted` that begins and ends within the bounds, or -1."""
        stop = self.size if end is None else min(end, self.size)
        at = self._data.find(wanted, self._start + start, self._start + stop)
        return at - self._start if at >= 0 else -1

    def find_all(self, wanted: bytes, start: int = 0, end: int | None = None) -> Iterator[int]:
        """Yield the offsets of all occurrences, overlapping ones too."""
        at = self.find(wanted, start, end)
        while at >= 0:
            yield at
            at = self.find(wanted, at + 1, end)

    def damaged(self, offset: int, message: str) -> Damaged:
        """Return an error for something at `offset` that makes no sense."""
        return Damaged(message, source=self.source, offset=offset)


class Elf:
    """An ELF file. Build one with `Elf.open`, or from the bytes of a file."""

    def __init__(self, data: Buffer, source: str) -> None:
        self.source = source
        self._data = data
        self._sections: dict[str, Section] = {}
        if len(data) < 64 or data[:4] != b"\x7fELF":
            raise self._damaged(0, "this is not an ELF file")
        if data[4] != 2 or data[5] != 1:
            raise self._damaged(4, "only 64-bit little-endian ELF files are read")
        self.type, machine = struct.unpack_from("<HH", data, 16)
        self.machine = MACHINES.get(machine, f"ELF machine {machine}")
        self.headers = self._read_headers()
        if self.relocatable:
            self.headers = self._lay_out(self.headers)

    @classmethod
    def open(cls, path: Path) -> "Elf":
        """Map a file of the user's.

        Raises:
            OSError: it cannot be opened.
            Damaged: it is not an ELF file that we can read.
        """
        with path.open("rb") as file:
            try:
                data: Buffer = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
            except ValueError:  # an empty file cannot be mapped
                data = b""
        return cls(data, str(path))

    @classmethod
    def of_host(cls, host: Host, path: Path) -> "Elf":
        """Map a file of the traced machine. Raises the same errors as `open`."""
        return cls(host.content(str(path)), str(path))

    def __len__(self) -> int:
        """Return the size of the file in bytes."""
        return len(self._data)

    @property
    def relocatable(self) -> bool:
        """Return whether this is an object file that still has to be linked, such as a kernel module."""
        return int(self.type) == _ET_REL

    def has(self, name: str) -> bool:
        """Return whether there is a section of that name with bytes in the file."""
        return self._header(name) is not None

    def section(self, name: str) -> Section | None:
        """Return a section, decompressed and relocated if necessary; None if the file does not have it."""
        if name not in self._sections:
            header = self._header(name)
            if header is None:
                return None
            self._sections[name] = self._load(header)
        return self._sections[name]

    def build_id(self) -> str | None:
        """Return the build-id in hexadecimal, from the first note section that has one."""
        for header in self.headers:
            if header.type == _SHT_NOTE and header.size <= 65536:
                found = build_id(self._load(header).read_all())
                if found:
                    return found
        return None

    def symbol_sections(self) -> tuple[Section, Section] | None:
        """Return `.symtab` and its strings; None in a stripped file."""
        header = next((h for h in self.headers if h.type == _SHT_SYMTAB), None)
        if header is None:
            return None
        if header.link >= len(self.headers) or header.size % _SYMBOL_SIZE:
            raise self._damaged(header.offset, "the symbol table makes no sense")
        return self._plain(header), self._plain(self.headers[header.link])

    def _header(self, name: str) -> Header | None:
        return next((h for h in self.headers if h.name == name and h.type not in (0, _SHT_NOBITS)), None)

    def _read_headers(self) -> tuple[Header, ...]:
        offset, size, count, names = struct.unpack_from("<Q10xHHH", self._data, 40)
        if not offset:
            return ()
        if size != _SECTION.size or offset + size * max(count, 1) > len(self._data):
            raise self._damaged(40, "the section headers lie outside the file")
        if not count:  # the count does not fit in 16 bits
            count = _SECTION.unpack_from(self._data, offset)[5]
        if names == 0xFFFF:
            names = _SECTION.unpack_from(self._data, offset)[6]
        if offset + size * count > len(self._data) or names >= count:
            raise self._damaged(40, "the section headers lie outside the file")
        raw = [_SECTION.unpack_from(self._data, offset + n * size) for n in range(count)]
        strings = raw[names]
        table = self._data[strings[4] : strings[4] + strings[5]]
        headers = []
        for n, (name, kind, flags, address, at, length, link, info, _, _) in enumerate(raw):
            if kind not in (0, _SHT_NOBITS) and at + length > len(self._data):
                raise self._damaged(offset + n * size, "a section reaches beyond the end of the file")
            text = table[name : table.find(b"\0", name)].decode("utf-8", "replace")
            headers.append(Header(text, kind, flags, address, at, length, link, info))
        return tuple(headers)

    def _lay_out(self, headers: tuple[Header, ...]) -> tuple[Header, ...]:
        """Give each section of a module its own address.

        In the file all sections begin at 0, so one address would belong to several functions. The kernel
        decides where they are loaded; here they only must not overlap.
        """
        placed, free = [], _MODULE_ALIGN
        for h in headers:
            address = h.address
            if h.flags & _SHF_ALLOC:
                address = free
                free += (h.size // _MODULE_ALIGN + 1) * _MODULE_ALIGN
            placed.append(Header(h.name, h.type, h.flags, address, h.offset, h.size, h.link, h.info))
        return tuple(placed)

    def _plain(self, header: Header) -> Section:
        return Section(header.name, self._data, header.offset, header.size, self.source)

    def _load(self, header: Header) -> Section:
        section = self._plain(header)
        if header.flags & _SHF_COMPRESSED:
            content = _decompress(section)
            section = Section(header.name, content, 0, len(content), self.source)
        if self.relocatable:
            index = self.headers.index(header)
            table = next((h for h in self.headers if h.type == _SHT_RELA and h.info == index), None)
            if table is not None:
                return self._relocated(section, table)
        return section

    def _relocated(self, section: Section, header: Header) -> Section:
        table = self._plain(header)
        if header.flags & _SHF_COMPRESSED:
            content = _decompress(table)
            table = Section(header.name, content, 0, len(content), self.source)
        symbols = self.symbol_sections()
        if symbols is None or table.size % _RELA_SIZE:
            raise self._damaged(header.offset, "relocations without symbols, or of a wrong size")
        data = bytearray(section.read_all())
        bases = [h.address for h in self.headers]
        problem = relocate(data, table.read_all(), symbols[0].read_all(), bases, self.machine)
        if problem is not None:
            raise table.damaged(*problem)
        return Section(section.name, bytes(data), 0, len(data), self.source)

    def _damaged(self, offset: int, message: str) -> Damaged:
        return Damaged(message, source=self.source, offset=offset)


def _decompress(section: Section) -> bytes:
    """Return the content of a section with SHF_COMPRESSED, which begins with an Elf64_Chdr."""
    kind, size = struct.unpack("<I4xQ8x", section.read(0, 24))
    if kind != _COMPRESSED_ZLIB:
        name = "zstd" if kind == _COMPRESSED_ZSTD else f"method {kind}"
        raise Damaged(
            f"the section is compressed with {name}, which is not read",
            source=section.source,
            offset=0,
            hint="objcopy --decompress-debug-sections FILE NEWFILE, then --vmlinux NEWFILE",
        )
    # zlib expands a byte to at most 1032 bytes: a header that claims more is wrong.
    if size > section.size * 1032:
        raise section.damaged(8, f"{section.size} bytes cannot become {size}")
    try:
        content = zlib.decompressobj().decompress(section.read(24, section.size - 24), size + 1)
    except zlib.error as error:
        raise section.damaged(24, f"the compressed bytes are damaged ({error})") from None
    if len(content) != size:
        raise section.damaged(8, f"{size} bytes are announced, there are {len(content)}")
    return content
