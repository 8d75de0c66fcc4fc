"""Writes a small program's debug info for tests, in DWARF 4 or 5, field by field.

The program, as linked at TEXT (0xffffffff81000000):

    demo.c                                        outer: 0x100 bytes
     5  static inline int inner(int x)            inlined at outer+0x40 (0x20 bytes), called in line 23
     6  {
     7      return x * 2;
     8  }
    20  long outer(struct thing *file, int n)
    21  {
    22      long v = file->a;
    23      n = inner(v);                         twice: two functions of that name, in lines 30 and 40
    24      return n;
    25  }
"""

import struct
from collections.abc import Sequence

from tests.unit.symbols.elf_writer import ALLOC, TEXT, ElfWriter

BUILD_ID = "00112233445566778899aabbccddeeff00112233"
FOLDER = "/build"

# Address after TEXT, line, is_stmt
ROWS = ((0x00, 20, 1), (0x08, 22, 1), (0x10, 22, 1), (0x20, 23, 1), (0x40, 7, 1), (0x50, 7, 0), (0x60, 24, 1),
        (0x70, 25, 0), (0x100, 30, 1), (0x108, 31, 1), (0x140, 40, 1), (0x148, 41, 1))  # fmt: skip
SIZE = 0x180


def uleb(n: int) -> bytes:
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes([*out, n])


def sleb(n: int) -> bytes:
    out = bytearray()
    while not -64 <= n < 64:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes([*out, n & 0x7F])


class Dwarf:
    """The sections of the program; `version` 4 or 5, `indexed`: strings and addresses by number, as clang."""

    def __init__(self, version: int = 5, *, indexed: bool = False, aranges: bool = True) -> None:
        self.version, self.indexed, self.aranges = version, indexed, aranges
        self.strings, self.line_strings = bytearray(b"\0"), bytearray(b"\0")
        self.offsets: list[int] = []
        self.abbrevs: list[tuple[int, bool, tuple[tuple[int, int], ...]]] = []

    def string(self, text: str) -> tuple[int, bytes]:
        """Form and bytes of a string."""
        if text not in self.strings.decode().split("\0"):
            self.strings += text.encode() + b"\0"
        at = (b"\0" + self.strings).find(b"\0" + text.encode() + b"\0")
        if not self.indexed:
            return 0x0E, struct.pack("<I", at)
        if at not in self.offsets:
            self.offsets.append(at)
        return 0x25, bytes([self.offsets.index(at)])  # strx1

    def die(
        self,
        tag: int,
        attributes: Sequence[tuple[int, tuple[int, bytes]]],
        children: Sequence[bytes] | None = None,
    ) -> bytes:
        """One entry: attribute, (form, bytes)."""
        abbrev = (tag, children is not None, tuple((at, form) for at, (form, _) in attributes))
        if abbrev not in self.abbrevs:
            self.abbrevs.append(abbrev)
        data = uleb(self.abbrevs.index(abbrev) + 1) + b"".join(value for _, (_, value) in attributes)
        return data + b"".join(children or ()) + (b"" if children is None else b"\0")

    def elf(self, **options: int) -> ElfWriter:
        writer = ElfWriter(**options)
        writer.section(".text", bytes(SIZE), flags=ALLOC | 4, address=TEXT)
        writer.build_id(BUILD_ID)
        for name, data in self.sections().items():
            writer.section(name, data)
        writer.function("outer", TEXT, 0x100)
        writer.function("twice", TEXT + 0x100, 0x40, info=2)
        writer.function("twice", TEXT + 0x140, 0x40, info=2)
        writer.function("__pfx_outer", TEXT, 0)
        return writer

    def sections(self) -> dict[str, bytes]:
        """Section to content."""
        info = self._info()
        found = {
            ".debug_info": info,
            ".debug_abbrev": self._abbrev_table(),
            ".debug_line": self._line(),
            ".debug_str": bytes(self.strings),
            ".debug_frame": self._frame(),
        }
        found[".debug_loclists" if self.version == 5 else ".debug_loc"] = self._locations()
        if self.version == 5:
            found[".debug_line_str"] = bytes(self.line_strings)
        if self.aranges:
            body = struct.pack("<HIBB4xQQQQ", 2, 0, 8, 0, TEXT, SIZE, 0, 0)
            found[".debug_aranges"] = struct.pack("<I", len(body)) + body
        if self.indexed:
            table = b"".join(struct.pack("<I", at) for at in self.offsets)
            found[".debug_str_offsets"] = struct.pack("<IHH", len(table) + 4, 5, 0) + table
            found[".debug_addr"] = struct.pack("<IHBBQ", 12, 5, 8, 0, TEXT)
        return found

    def _info(self) -> bytes:
        header = 12 if self.version == 5 else 11

        def u1(n: int) -> tuple[int, bytes]:
            return 0x0B, bytes([n])

        def address(n: int) -> tuple[int, bytes]:
            return 0x01, struct.pack("<Q", TEXT + n)

        def size(n: int) -> tuple[int, bytes]:
            return 0x07, struct.pack("<Q", n)

        def ref(n: int) -> tuple[int, bytes]:
            return 0x13, struct.pack("<I", n)

        def expr(data: bytes) -> tuple[int, bytes]:
            return 0x18, uleb(len(data)) + data

        base = (
            [(0x72, (0x17, struct.pack("<I", 8))), (0x73, (0x17, struct.pack("<I", 8)))]
            if self.indexed
            else []
        )
        low = (0x29, b"\0") if self.indexed else address(0)
        top = [*base, (0x03, self.string("demo.c")), (0x1B, self.string(FOLDER)), (0x11, low),
               (0x12, size(SIZE)), (0x10, (0x17, struct.pack("<I", 0)))]  # fmt: skip
        # References are offsets from the unit's start: entries before the functions are made in order.
        parts: list[bytes] = []
        start = header + len(self.die(0x11, top, [])) - 1

        def add(data: bytes) -> int:
            at = start + sum(map(len, parts))
            parts.append(data)
            return at

        int_ = add(self.die(0x24, [(0x03, self.string("int")), (0x0B, u1(4)), (0x3E, u1(5))]))
        long_ = add(self.die(0x24, [(0x03, self.string("long")), (0x0B, u1(8)), (0x3E, u1(5))]))
        bits = (
            [(0x6B, u1(96 + 5))]  # DW_AT_data_bit_offset
            if self.version == 5
            else [(0x38, u1(12)), (0x0B, u1(4)), (0x0C, u1(32 - 5 - 3))]  # from the highest bit
        )
        members = [
            self.die(0x0D, [(0x03, self.string("a")), (0x49, ref(long_))]),
            self.die(0x0D, [(0x03, self.string("b")), (0x49, ref(int_)), (0x38, u1(8))]),
            self.die(0x0D, [(0x03, self.string("c")), (0x49, ref(int_)), (0x0D, u1(3)), *bits]),
        ]
        thing = add(self.die(0x13, [(0x03, self.string("thing")), (0x0B, u1(16))], members))
        pointer = add(self.die(0x0F, [(0x0B, u1(8)), (0x49, ref(thing))]))
        inner_head = [
            (0x03, self.string("inner")),
            (0x3A, u1(1)),
            (0x3B, u1(5)),
            (0x20, u1(3)),
            (0x49, ref(int_)),
        ]
        inner_at = start + sum(map(len, parts))
        x_at = inner_at + len(self.die(0x2E, inner_head, [])) - 1
        x = self.die(0x05, [(0x03, self.string("x")), (0x3A, u1(1)), (0x3B, u1(5)), (0x49, ref(int_))])
        inner = add(self.die(0x2E, inner_head, [x]))
        lists = 12 if self.version == 5 else 0
        children = [
            self.die(0x05, [(0x03, self.string("file")), (0x3A, u1(1)), (0x3B, u1(20)), (0x49, ref(pointer)),
                            (0x02, expr(b"\x55"))]),  # reg5: di
            self.die(0x05, [(0x03, self.string("n")), (0x3A, u1(1)), (0x3B, u1(20)), (0x49, ref(int_)),
                            (0x02, expr(b"\x91" + sleb(-20)))]),  # fbreg -20
            self.die(0x34, [(0x03, self.string("v")), (0x3A, u1(1)), (0x3B, u1(22)), (0x49, ref(long_)),
                            (0x02, (0x17, struct.pack("<I", lists)))]),
            self.die(0x34, [(0x03, self.string("gone")), (0x3A, u1(1)), (0x3B, u1(22)), (0x49, ref(long_))]),
            self.die(0x1D, [(0x31, ref(inner)), (0x11, address(0x40)), (0x12, size(0x20)), (0x58, u1(1)),
                            (0x59, u1(23))],
                     [self.die(0x05, [(0x31, ref(x_at)), (0x02, expr(b"\x75\x08\x9f"))])]),  # di+8
        ]  # fmt: skip
        add(self.die(0x2E, [(0x3F, (0x19, b"")), (0x03, self.string("outer")), (0x3A, u1(1)), (0x3B, u1(20)),
                            (0x49, ref(long_)), (0x11, address(0)), (0x12, size(0x100)),
                            (0x40, expr(b"\x9c"))], children))  # fmt: skip
        for n, line in ((0x100, 30), (0x140, 40)):
            add(self.die(0x2E, [(0x03, self.string("twice")), (0x3A, u1(1)), (0x3B, u1(line)),
                                (0x11, address(n)), (0x12, size(0x40))]))  # fmt: skip
        body = self.die(0x11, top, parts)
        if self.version == 5:
            head = struct.pack("<HBBI", 5, 1, 8, 0)
        else:
            head = struct.pack("<HIB", self.version, 0, 8)
        return struct.pack("<I", len(head) + len(body)) + head + body

    def _abbrev_table(self) -> bytes:
        out = b""
        for code, (tag, children, specs) in enumerate(self.abbrevs, 1):
            out += uleb(code) + uleb(tag) + bytes([children])
            out += b"".join(uleb(at) + uleb(form) for at, form in specs) + b"\0\0"
        return out + b"\0"

    def _locations(self) -> bytes:
        """`v` is in ax from 0x20 to 0x40, on the stack from 0x40 to 0x60, nowhere else."""
        entries = ((0x20, 0x40, b"\x50"), (0x40, 0x60, b"\x77\x10"))
        if self.version == 4:
            body = b"".join(struct.pack("<QQH", a, b, len(code)) + code for a, b, code in entries)
            return body + bytes(16)
        body = (
            b"".join(b"\x04" + uleb(a) + uleb(b) + uleb(len(code)) + code for a, b, code in entries) + b"\0"
        )
        return struct.pack("<IHBBI", len(body) + 8, 5, 8, 0, 0) + body

    def _frame(self) -> bytes:
        """The frame address is sp+8 at entry, sp+64 from 0x08 on."""
        cie = struct.pack("<IB", 0xFFFFFFFF, 1) + b"\0" + uleb(1) + sleb(-8) + b"\x10" + b"\x0c\x07\x08"
        cie += bytes(-len(cie) % 8)
        fde = struct.pack("<IQQ", 0, TEXT, 0x100) + b"\x48\x0e\x40"
        fde += bytes(-len(fde) % 8)
        return struct.pack("<I", len(cie)) + cie + struct.pack("<I", len(fde)) + fde

    def _line(self) -> bytes:
        program = b"\0\x09\x02" + struct.pack("<Q", TEXT)
        address, line, stmt = 0, 1, 1
        for at, number, is_stmt in ROWS:
            if at > address:
                program += b"\x02" + uleb(at - address)
            if number != line:
                program += b"\x03" + sleb(number - line)
            if is_stmt != stmt:
                program += b"\x06"
            address, line, stmt = at, number, is_stmt
            program += b"\x01"
        program += b"\x02" + uleb(SIZE - address) + b"\0\x01\x01"
        rest = (
            bytes([1, 1, 1]) + struct.pack("<bBB", -5, 14, 13) + bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
        )
        if self.version == 5:
            self.line_strings += FOLDER.encode() + b"\0demo.c\0"
            folder, name = struct.pack("<I", 1), struct.pack("<I", 2 + len(FOLDER))
            rest += b"\x01\x01\x1f" + b"\x01" + folder
            rest += b"\x02\x01\x1f\x02\x0b" + b"\x02" + (name + b"\0") * 2
            head = struct.pack("<HBBI", 5, 8, 0, len(rest))
        else:
            rest += b"\0" + b"demo.c\0\0\0\0" + b"\0"
            head = struct.pack("<HI", self.version, len(rest))
        return struct.pack("<I", len(head) + len(rest) + len(program)) + head + rest + program
