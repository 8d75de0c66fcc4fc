"""Run line number programs (6.2), which map addresses to source lines."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf.bytes import BROKEN, block, cstring, fixed, initial_length, sleb, uleb
from ktrace.symbols.dwarf.unit import DebugFile
from ktrace.symbols.elf import Section

_LNCT_PATH, _LNCT_DIRECTORY = 1, 2
_ENTRIES_MAX = 1 << 16  # files of one unit; a unit of the kernel has a few hundred

Row = tuple[int, int, int, bool]  # address, number of the file, line, is_stmt


@dataclass(frozen=True, slots=True)
class Sequence:
    """Rows of contiguous code, in the order of their addresses. `end`: the first address after it."""

    rows: tuple[Row, ...]
    end: int


@dataclass(frozen=True, slots=True)
class LineHeader:
    """The header of a line number program.

    Attributes:
        offset, size: of header and program in .debug_line, in bytes.
        program: offset of the first instruction, from `offset`.
        files: full paths as given to the compiler, by the number that rows use.
        lengths: number of operands of each standard instruction.
    """

    offset: int
    size: int
    version: int
    program: int
    address_size: int
    instruction_size: int
    operations: int
    default_is_stmt: bool
    line_base: int
    line_range: int
    lengths: tuple[int, ...]
    files: tuple[str, ...]

    def file(self, number: int) -> str:
        """Return the path of a file; empty for an unknown number."""
        return self.files[number] if 0 <= number < len(self.files) else ""


def read_header(file: DebugFile, offset: int, comp_dir: str = "", address_size: int = 8) -> LineHeader:
    """Read the header of the program at `offset` of .debug_line.

    Args:
        comp_dir: the unit's DW_AT_comp_dir, for versions before 5, which do not repeat it.

    Raises:
        Damaged: it cannot be decoded.
    """
    section = file.need(".debug_line")
    data = section.read(offset, max(min(section.size - offset, 24), 0))
    try:
        length, offset_size, at = initial_length(data, 0)
        if length > section.size - offset - at:
            raise ValueError("too long")
        data = section.read(offset, at + length)
        return _Reader(file, data, offset, offset_size, address_size).header(at, comp_dir)
    except BROKEN:
        raise section.damaged(offset, "the header of a line number program makes no sense") from None


def size_at(section: Section, offset: int) -> int:
    """Return the size in bytes of the program at `offset`, with its header."""
    data = section.read(offset, min(section.size - offset, 12))
    try:
        length, _, at = initial_length(data, 0)
    except BROKEN:
        length, at = section.size, 0
    if length > section.size - offset - at:
        raise section.damaged(offset, "a line number program reaches beyond the section")
    return at + length


class _Reader:
    def __init__(
        self, file: DebugFile, data: bytes, offset: int, offset_size: int, address_size: int
    ) -> None:
        self._file, self._data, self._offset = file, data, offset
        self._offset_size, self._address_size = offset_size, address_size

    def header(self, at: int, comp_dir: str) -> LineHeader:
        data = self._data
        version, at = fixed(data, at, 2)
        if not 2 <= version <= 5:
            raise ValueError("unknown version")
        if version == 5:
            self._address_size, at = data[at], at + 2
        length, at = fixed(data, at, self._offset_size)
        program = at + length
        instruction_size, at = fixed(data, at, 1)
        operations = 1
        if version >= 4:
            operations, at = fixed(data, at, 1)
        default_is_stmt, line_base, line_range, opcode_base = data[at : at + 4]
        at += 4
        lengths, at = block(data, at, max(opcode_base - 1, 0))
        if program > len(data) or not line_range or not opcode_base or not operations:
            raise ValueError("a header that makes no sense")
        files = self._files(at) if version == 5 else self._old_files(at, comp_dir)
        return LineHeader(
            self._offset, len(data), version, program, self._address_size, instruction_size, operations,
            bool(default_is_stmt), line_base - 256 if line_base > 127 else line_base, line_range,
            tuple(lengths), files,
        )  # fmt: skip

    def _files(self, at: int) -> tuple[str, ...]:
        directories, at = self._entries(at)
        named, at = self._entries(at)
        # Directory 0 is the folder of the compilation; the others are relative to it.
        paths = [path for path, _ in directories]
        full = [paths[0] if n == 0 else _join(paths[0], path) for n, path in enumerate(paths)]
        return tuple(_join(full[d] if d < len(full) else "", name) for name, d in named)

    def _old_files(self, at: int, comp_dir: str) -> tuple[str, ...]:
        data = self._data
        directories = [comp_dir]
        while data[at]:
            path, at = cstring(data, at)
            directories.append(_join(comp_dir, path.decode("utf-8", "replace")))
        at += 1
        files = [""]  # numbers begin at 1
        while data[at]:
            name, at = cstring(data, at)
            number, at = uleb(data, at)
            _, at = uleb(data, at)
            _, at = uleb(data, at)
            folder = directories[number] if number < len(directories) else ""
            files.append(_join(folder, name.decode("utf-8", "replace")))
        return tuple(files)

    def _entries(self, at: int) -> tuple[list[tuple[str, int]], int]:
        """Return path and directory number of each entry of a table."""
        data = self._data
        count, at = fixed(data, at, 1)
        formats = []
        for _ in range(count):
            kind, at = uleb(data, at)
            form, at = uleb(data, at)
            formats.append((kind, form))
        count, at = uleb(data, at)
        if count > _ENTRIES_MAX or (count and not formats):
            raise ValueError("too many files")
        found = []
        for _ in range(count):
            path, directory = "", 0
            for kind, form in formats:
                value, at = self._value(form, at)
                if kind == _LNCT_PATH and isinstance(value, bytes):
                    path = value.decode("utf-8", "replace")
                elif kind == _LNCT_DIRECTORY and isinstance(value, int):
                    directory = value
            found.append((path, directory))
        return found, at

    def _value(self, form: int, at: int) -> tuple[int | bytes, int]:
        data = self._data
        if form in (c.FORM_LINE_STRP, c.FORM_STRP):
            offset, at = fixed(data, at, self._offset_size)
            name = ".debug_line_str" if form == c.FORM_LINE_STRP else ".debug_str"
            return self._file.need(name).string(offset), at
        if form == c.FORM_STRING:
            return cstring(data, at)
        if form == c.FORM_UDATA:
            return uleb(data, at)
        if form == c.FORM_BLOCK:
            length, at = uleb(data, at)
            return block(data, at, length)
        if form == c.FORM_DATA16:
            return block(data, at, 16)
        return fixed(data, at, c.FIXED[form]) if form in c.FIXED else _unknown(form)


def _unknown(form: int) -> tuple[int, int]:
    raise ValueError(f"unknown form {form}")


def _join(folder: str, name: str) -> str:
    return name if name.startswith("/") or not folder else f"{folder}/{name}"


def normal(path: str) -> str:
    """Return a path without `.` and `NAME/..`."""
    parts: list[str] = []
    for part in PurePosixPath(path).parts:
        if part == ".." and parts and parts[-1] not in ("..", "/"):
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts).replace("//", "/")


def run(section: Section, header: LineHeader) -> list[Sequence]:
    """Run a program and return its rows, in sequences.

    Raises:
        Damaged: an instruction makes no sense.
    """
    data = section.read(header.offset, header.size)
    sequences: list[Sequence] = []
    try:
        _run(data, header, sequences)
    except BROKEN:
        raise section.damaged(header.offset, "a line number program makes no sense") from None
    return sequences


def _run(  # noqa: PLR0915 -- one instruction set; calls would double the time
    data: bytes, header: LineHeader, sequences: list[Sequence]
) -> None:
    base, line_base, line_range = len(header.lengths) + 1, header.line_base, header.line_range
    step, operations = header.instruction_size, header.operations
    at, size = header.program, len(data)
    address, index, file, line, is_stmt = 0, 0, 1, 1, header.default_is_stmt
    rows: list[Row] = []
    while at < size:
        opcode = data[at]
        at += 1
        if opcode >= base:
            opcode -= base
            index += opcode // line_range
            address += step * (index // operations)
            index %= operations
            line += line_base + opcode % line_range
            rows.append((address, file, line, is_stmt))
        elif opcode == 1:  # copy
            rows.append((address, file, line, is_stmt))
        elif opcode == 3:  # advance_line
            delta, at = sleb(data, at)
            line += delta
        elif opcode in (5, 12):  # set_column, set_isa
            _, at = uleb(data, at)
        elif opcode == 6:  # negate_stmt
            is_stmt = not is_stmt
        elif opcode in (2, 8):  # advance_pc, const_add_pc
            if opcode == 2:
                delta, at = uleb(data, at)
            else:
                delta = (255 - base) // line_range
            index += delta
            address += step * (index // operations)
            index %= operations
        elif opcode == 4:  # set_file
            file, at = uleb(data, at)
        elif opcode == 9:  # fixed_advance_pc
            delta, at = fixed(data, at, 2)
            address, index = address + delta, 0
        elif opcode in (7, 10, 11):  # basic block, prologue end, epilogue begin
            pass
        elif opcode:
            for _ in range(header.lengths[opcode - 1]):
                _, at = uleb(data, at)
        else:
            length, at = uleb(data, at)
            if not length or at + length > size:
                raise ValueError("an extended instruction of no size")
            kind = data[at]
            if kind == 1:  # end_sequence
                if rows:
                    sequences.append(_sequence(rows, address))
                address, index, file, line, is_stmt = 0, 0, 1, 1, header.default_is_stmt
                rows = []
            elif kind == 2:  # set_address
                address, index = fixed(data, at + 1, length - 1)[0], 0
            at += length
    if rows:  # without an end, the length of the last row is unknown
        raise ValueError("a sequence that does not end")


def _sequence(rows: list[Row], end: int) -> Sequence:
    if any(a[0] > b[0] for a, b in pairwise(rows)):
        rows.sort(key=lambda row: row[0])  # stable: of rows with the same address, the last one counts
    return Sequence(tuple(rows), end)


def row_at(sequences: list[Sequence], address: int) -> Row | None:
    """Return the row for an address: the last one at or before it."""
    for sequence in sequences:
        if sequence.rows[0][0] <= address < sequence.end:
            n = bisect_right(sequence.rows, address, key=lambda row: row[0])
            return sequence.rows[n - 1]
    return None
