"""Map functions and source lines to instructions, and back.

The lines of a function that can be probed are chosen as in perf (tools/perf/util/dwarf-aux.c,
`die_walk_lines`): rows that begin a statement in the function itself, not in code inlined into it, and the
lines of the calls of that code. If several lines begin at the same instruction, only the first is listed; the
others can be asked for and have the same place.
"""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from ktrace.model.debuginfo import CodeLine, FileLines, FunctionLines, SourceFrame, Spot
from ktrace.model.miss import Miss
from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf import inlines
from ktrace.symbols.dwarf.lineprogram import LineHeader, Sequence, normal, read_header, row_at, size_at
from ktrace.symbols.dwarf.program import Program
from ktrace.symbols.dwarf.ranges import Ranges, entry_of, holds, stated_entry
from ktrace.symbols.dwarf.scopes import Scope
from ktrace.symbols.dwarf.unit import Die

_NEAR = 5


def lines_of(program: Program, function: str) -> tuple[FunctionLines, ...] | Miss:
    """Return the lines of each function of that name; if it was always inlined, over all its sites."""
    return _lines_of(program, function, shared=False)


def _lines_of(program: Program, function: str, *, shared: bool) -> tuple[FunctionLines, ...] | Miss:
    found = [_function_lines(program, function, die, shared) for _, die in program.functions(function)]
    return tuple(found) or _inlined_lines(program, function)


def spots_of_function_line(program: Program, function: str, n: int) -> tuple[Spot, ...] | Miss:
    """Return where the code of line `n` begins, counted from the line of the function's declaration."""
    found = _lines_of(program, function, shared=True)
    if isinstance(found, Miss):
        return found
    spots = tuple(s for f in found for one in f.lines if one.line == f.declared + n for s in one.spots)
    if spots:
        return spots
    first = found[0]
    near = sorted({one.line - first.declared for one in first.lines}, key=lambda m: (abs(m - n), m))
    names = tuple(f"{function}:{m}" for m in near[:_NEAR])
    where = f"{first.file}:{first.declared + n}"
    return Miss(program.file.elf.source, f"no code begins at {where}, line {n} of {function}", names)


def lines_in_file(
    program: Program, path: str, first: int, last: int, *, shared: bool = False
) -> FileLines | Miss:
    """Return the lines with code from `first` to `last` of a source file, which may be a header."""
    found: dict[int, dict[int, Spot]] = {}
    paths: dict[str, str] = {}
    for header, numbers in _programs_with(program, path):
        for number in numbers:
            paths[normal(header.file(number))] = header.files[0] if header.version >= 5 else ""
        called = {header.file(number) for number in numbers}
        owners = _owners(program.rows(header), header).values()
        listed = {line for file, line in owners if file in called}
        for line, address in _beginnings(program.rows(header), numbers, first, last):
            if (shared or line in listed) and address not in found.setdefault(line, {}):
                spot = program.spot(address)
                if spot:
                    found[line][address] = spot
    if not paths:
        return Miss(program.file.elf.source, f"no code is from a source file {path}")
    if len(paths) > 1:
        names = tuple(sorted(paths))[:_NEAR]
        return Miss(program.file.elf.source, f"{len(paths)} source files are called {path}", names)
    full = next(iter(paths))
    lines = tuple(CodeLine(n, tuple(found[n].values())) for n in sorted(found) if found[n])
    folder, shown = _split(program, full, lines)
    return FileLines(shown, folder, lines)


def spots_of_line(program: Program, path: str, line: int) -> tuple[Spot, ...] | Miss:
    """Return where the code of a line of a file begins."""
    found = lines_in_file(program, path, max(line - 20, 1), line + 20, shared=True)
    if isinstance(found, Miss):
        return found
    spots = next((one.spots for one in found.lines if one.line == line), None)
    if spots:
        return spots
    near = sorted((one.line for one in found.lines), key=lambda n: (abs(n - line), n))
    names = tuple(f"{path}:{n}" for n in near[:_NEAR])
    return Miss(program.file.elf.source, f"no code begins at {found.file}:{line}", names)


def frames_at(program: Program, address: int) -> tuple[SourceFrame, ...]:
    """Return function and line of an address, then of the call that inlined it, and so on outward."""
    unit = program.unit_at(address)
    die = program.function_at(address)
    header = program.line_header(unit) if unit else None
    if unit is None or header is None:
        return ()
    row = row_at(program.rows(header), address)
    file, line = (header.file(row[1]), row[2]) if row else ("", 0)
    if die is None:
        # A compiler that merges identical functions keeps the code of one and the names of all.
        spot = program.spot(address)
        name = spot.place.symbol if spot else ""
        return (SourceFrame(name, program.shown(file, unit), line),) if row else ()
    frames = []
    for scope in reversed(Scope(die).chain(address)):
        if scope.is_inlined or scope.die is die:
            frames.append(SourceFrame(scope.die.name, program.shown(file, unit), line))
            file = program.file_of(scope.die, c.AT_CALL_FILE)
            line = scope.die.number(c.AT_CALL_LINE) or 0
    return tuple(frames)


def _function_lines(program: Program, name: str, die: Die, shared: bool) -> FunctionLines:
    scope = Scope(die)
    header = program.line_header(die.unit)
    path, declared = program.file_of(die), _declared(die)
    entry = entry_of(die)
    spots: dict[int, list[int]] = {}
    if header:
        numbers = frozenset(n for n, file in enumerate(header.files) if file == path)
        for line, address in _beginnings(program.rows(header), numbers, 1, 1 << 32):
            if holds(scope.ranges, address) and _is_own(program, scope, address, path, line):
                spots.setdefault(line, []).append(address)
    only_calls: dict[int, list[int]] = {}
    calls: list[tuple[int, int | None]] = [(declared, entry)]
    stated: list[tuple[int, int | None]] = [(declared, entry)]
    for call in scope.calls():
        if program.file_of(call.die, c.AT_CALL_FILE) == path:
            line = call.die.number(c.AT_CALL_LINE) or 0
            calls.append((line, entry_of(call.die)))
            stated.append((line, stated_entry(call.die)))
    for line, at in calls:
        # If the line has rows, they include the code before the call: the probe would be hit twice.
        if line and at is not None and line not in spots:
            only_calls.setdefault(line, []).append(at)
    spots |= only_calls
    if not shared:
        owners = _owners(program.rows(header), header, scope.ranges) if header else {}
        if entry is not None and header:
            owners[entry] = path, declared
        own = [(line, at) for line, at in stated if at is not None]
        own += [
            (line, at)
            for at, (file, line) in owners.items()
            if file == path and _is_own(program, scope, at, path, line)
        ]
        listed = {line for line, at in own if owners.get(at) == (path, line)}
        spots = {line: at for line, at in spots.items() if line in listed}
    lines = [CodeLine(n, _spots(program, spots[n], name)) for n in sorted(spots) if n >= declared]
    return FunctionLines(
        name,
        program.spot(entry, name) if entry is not None else None,
        program.shown(path, die.unit),
        program.folder(die.unit),
        declared,
        tuple(one for one in lines if one.spots),
    )


def _inlined_lines(program: Program, name: str) -> tuple[FunctionLines, ...] | Miss:
    """Return the lines of a function without its own code, over all sites where it was inlined."""
    spots: dict[tuple[str, int], dict[int, list[int]]] = {}
    folder = ""
    for root, scope in inlines.scopes(program, name):
        unit = scope.die.unit
        header = program.line_header(unit)
        path, declared, folder = program.file_of(scope.die), _declared(scope.die), program.folder(unit)
        lines = spots.setdefault((program.shown(path, unit), declared), {})
        if not header:
            continue
        numbers = frozenset(n for n, file in enumerate(header.files) if file == path)
        # The caller's line, which may come first, does not belong to this function.
        from_file = program.file_of(scope.die, c.AT_CALL_FILE)
        caller = scope.die.number(c.AT_CALL_LINE) if from_file == path else None
        for low, high in scope.ranges:
            for line, address in _beginnings(program.rows(header), numbers, 1, 1 << 32, low, high):
                if line == caller:
                    continue
                inner = [s for s in root.chain(address) if s.is_inlined]
                if inner and inner[-1].die.key == scope.die.key:
                    lines.setdefault(line, []).append(address)
    if not spots:
        return Miss(program.file.elf.source, f"no function {name} is described there")
    return tuple(
        FunctionLines(
            name,
            None,
            path,
            folder,
            declared,
            tuple(CodeLine(n, _spots(program, lines[n])) for n in sorted(lines) if n >= declared),
        )
        for (path, declared), lines in spots.items()
    )


def _declared(die: Die) -> int:
    holder = die.inherited(c.AT_DECL_LINE)
    return (holder.number(c.AT_DECL_LINE) if holder else None) or 0


def _spots(program: Program, addresses: Iterable[int], prefer: str = "") -> tuple[Spot, ...]:
    spots = (program.spot(address, prefer) for address in sorted(set(addresses)))
    return tuple(spot for spot in spots if spot)


def _is_own(program: Program, scope: Scope, address: int, path: str, line: int) -> bool:
    """Return whether a row belongs to the function itself, not to code inlined into it."""
    inlined = [s for s in scope.chain(address) if s.is_inlined]
    if not inlined:
        return True
    inner = inlined[-1].die
    if inner.number(c.AT_CALL_LINE) == line and program.file_of(inner, c.AT_CALL_FILE) == path:
        return True
    return _declared(inner) == _declared(scope.die) and program.file_of(inner) == path


def _owners(sequences: list[Sequence], header: LineHeader, ranges: Ranges = ()) -> dict[int, tuple[str, int]]:
    """Return, by address, file and line of the first row there that begins a statement."""
    owners: dict[int, tuple[str, int]] = {}
    for sequence in sequences:
        for address, file, line, is_stmt in sequence.rows:
            if is_stmt and address not in owners and (not ranges or holds(ranges, address)):
                owners[address] = header.file(file), line
    return owners


def _beginnings(
    sequences: list[Sequence],
    numbers: frozenset[int],
    first: int,
    last: int,
    low: int = 0,
    high: int = 1 << 64,
) -> Iterator[tuple[int, int]]:
    """Yield line and address wherever the code of a line of these files begins a statement.

    As in a debugger, rows that continue the same line are left out: a probe there would be hit twice.
    """
    for sequence in sequences:
        before = (0, 0)
        for address, file, line, is_stmt in sequence.rows:
            if not is_stmt:
                continue
            if low <= address < high and (file, line) != before and file in numbers and first <= line <= last:
                yield line, address
            before = (file, line)


def _programs_with(program: Program, path: str) -> Iterator[tuple[LineHeader, frozenset[int]]]:
    """Yield the line number programs that name a source file, with the numbers that it has there."""
    section = program.file.need(".debug_line")
    marks = _marks(program, PurePosixPath(path).name.encode("utf-8", "surrogateescape"))
    wanted = normal(path)
    offset = 0
    while offset < section.size:
        size = size_at(section, offset)
        if any(section.find(mark, offset, offset + size) >= 0 for mark in marks):
            header = _with_folder(program, read_header(program.file, offset))
            numbers = frozenset(n for n, file in enumerate(header.files) if _is_path(normal(file), wanted))
            if numbers:
                yield header, numbers
        offset += size


def _with_folder(program: Program, header: LineHeader) -> LineHeader:
    """Return the header with full paths: before version 5, only the unit knows the compiler's folder."""
    if header.version >= 5:
        return header
    sequences = program.rows(header)
    unit = program.unit_at(sequences[0].rows[0][0]) if sequences else None
    whole = program.line_header(unit) if unit else None
    return whole if whole and whole.offset == header.offset else header


def _is_path(full: str, wanted: str) -> bool:
    return full == wanted or full.endswith("/" + wanted.lstrip("/"))


def _marks(program: Program, name: bytes) -> list[bytes]:
    """Return byte strings, one of which every program naming a file has: its name or the name's offset."""
    marks = [name + b"\0"]
    for kept in (".debug_line_str", ".debug_str"):
        strings = program.file.elf.section(kept)
        if strings is None:
            continue
        for at in strings.find_all(name + b"\0"):
            # A linker may merge strings by their ends, so a path may begin at each `/` before the name.
            start = strings.start_of_string(at)
            before = strings.read(start, at - start)
            starts = {start, *(start + n + 1 for n, byte in enumerate(before) if byte == 0x2F), at}
            marks += [n.to_bytes(4, "little") for n in starts]
    return marks


def _split(program: Program, full: str, lines: tuple[CodeLine, ...]) -> tuple[str, str]:
    """Return the compiler's folder and the path relative to it."""
    for line in lines:
        unit = program.unit_at(line.spots[0].address)
        if unit:
            return program.folder(unit), program.shown(full, unit)
    return "", full
