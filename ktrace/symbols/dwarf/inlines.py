"""Find where a function was inlined.

No list of that exists. But an entry that names the function holds the offset of the name, and an instance of
it holds the offset of that entry. A byte search finds the candidates, and only the entries there are read and
checked.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from ktrace.model.debuginfo import InlinedSite
from ktrace.model.miss import Miss
from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf.program import Program
from ktrace.symbols.dwarf.ranges import entry_of
from ktrace.symbols.dwarf.scopes import Scope
from ktrace.symbols.dwarf.unit import Unit
from ktrace.symbols.elf import Section

_SHORT = 4  # bytes; a shorter string takes less space in place than by offset


def inlined_sites(program: Program, function: str) -> tuple[InlinedSite, ...] | Miss:
    """Return every site with code, in the order of their addresses."""
    found = {}
    for root, scope in scopes(program, function):
        entry = entry_of(scope.die)
        spot = program.spot(entry) if entry is not None else None
        if spot is None:
            continue
        around = [s for s in root.chain(spot.address) if s.is_inlined or s is root]
        callers = [s for s in around if s.depth < scope.depth]
        found[scope.die.key] = InlinedSite(
            spot,
            (callers[-1] if callers else root).die.name,
            program.shown(program.file_of(scope.die, c.AT_CALL_FILE), scope.die.unit),
            scope.die.number(c.AT_CALL_LINE) or 0,
            sum(high - low for low, high in scope.ranges),
        )
    if not found:
        return Miss(program.file.elf.source, f"no code of {function} is inlined anywhere")
    return tuple(sorted(found.values(), key=lambda site: site.spot.address))


def scopes(program: Program, function: str) -> Iterator[tuple[Scope, Scope]]:
    """Yield the instances of an inlined function, each with the function around it that has its own code."""
    name = function.encode("utf-8", "surrogateescape")
    marks, by_number = _marks(program, name)
    for unit in _units_with(program, marks, by_number):
        named = sorted(at for mark in marks for at in unit.find(mark))
        origins = [
            die.offset
            for die in unit.functions()
            if (by_number or _any_within(named, die.at, unit.attributes_end(die)))
            and die.raw(c.AT_NAME)
            and die.text(c.AT_NAME) == function
            and not die.flag(c.AT_DECLARATION)
        ]
        # References within a unit are four bytes in everything that compilers write for a kernel.
        places = sorted(at for origin in origins for at in unit.find(origin.to_bytes(4, "little")))
        if not places:
            continue
        for die in unit.functions():
            if die.abbrev.has_children and _any_within(places, die.at, unit.end(die)):
                root = Scope(die)
                if root.ranges:
                    yield from ((root, found) for found in _instances(root, places, frozenset(origins)))


def _instances(scope: Scope, places: list[int], origins: frozenset[int]) -> Iterator[Scope]:
    for child in scope.children:
        die = child.die
        if not _any_within(places, die.at, die.unit.end(die)):
            continue
        if child.is_inlined:
            found = die.raw(c.AT_ABSTRACT_ORIGIN)
            if found and found[0] in c.UNIT_REFS and found[1] in origins:
                yield child
        yield from _instances(child, places, origins)


def _any_within(places: list[int], start: int, end: int) -> bool:
    n = bisect_left(places, start)
    return n < len(places) and places[n] < end


def _marks(program: Program, name: bytes) -> tuple[list[bytes], bool]:
    """Return the bytes by which an entry can name something, and whether names may also be numbers."""
    marks = [name + b"\0"] if len(name) < _SHORT else []
    strings = program.file.elf.section(".debug_str")
    found = _offsets_of(strings, name) if strings else []
    # If strings are numbered (DWARF 5, as clang writes them), an entry does not hold the string's offset.
    by_number = bool(found) and program.file.elf.has(".debug_str_offsets")
    return marks + [at.to_bytes(4, "little") for at in found], by_number


def _units_with(program: Program, marks: list[bytes], by_number: bool) -> Iterator[Unit]:
    """Yield the units that hold one of the marks."""
    file = program.file
    starts = list(file.headers())
    units = set(starts if by_number else ())
    for mark in marks:
        at = file.info.find(mark)
        while at >= 0:
            n = bisect_right(starts, at) - 1
            units.add(starts[n])
            at = file.info.find(mark, starts[n + 1] if n + 1 < len(starts) else file.info.size)
    for offset in sorted(units):
        if file.headers()[offset].has_code:
            yield file.unit(offset)


def _offsets_of(strings: Section, name: bytes) -> list[int]:
    """Return where a string may be stored: alone, or as the end of another, where a linker may put it."""
    if strings.read(0, min(len(name) + 1, strings.size)) == name + b"\0":
        return [0]
    alone = [at + 1 for at in strings.find_all(b"\0" + name + b"\0")]
    return alone or list(strings.find_all(name + b"\0"))
