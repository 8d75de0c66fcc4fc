"""Find the variables and parameters at an instruction, and how a probe there reads them."""

from collections.abc import Iterator

from ktrace.model.ctype import CType, fetch_type
from ktrace.model.debuginfo import (
    Absent,
    AtSymbol,
    Constant,
    Location,
    Variable,
    spell,
)
from ktrace.model.fetch import FetchArg
from ktrace.model.names import ARG_MAX, to_identifier
from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf.expression import OPTIMIZED_OUT, Address, evaluate
from ktrace.symbols.dwarf.frame import frame_address
from ktrace.symbols.dwarf.loclist import description_at
from ktrace.symbols.dwarf.program import Program
from ktrace.symbols.dwarf.scopes import Scope
from ktrace.symbols.dwarf.types import type_of
from ktrace.symbols.dwarf.unit import Die

_VARIABLES = frozenset({c.TAG_PARAM, c.TAG_VARIABLE})
_PARAMS = frozenset({c.TAG_PARAM})


def variables_at(program: Program, address: int) -> tuple[Variable, ...]:
    """Return those visible at an instruction, innermost scope first; in each scope, parameters first."""
    die = program.function_at(address)
    if die is None:
        return ()
    chain = Scope(die).chain(address)
    reader = _Reader(program, chain[0], address)
    found: list[Variable] = []
    for n in range(len(chain) - 1, -1, -1):
        function = next(s for s in reversed(chain[: n + 1]) if s.is_inlined or s.depth == 0)
        here = [reader.variable(one, function.die.name) for one in _declared_in(chain[n].die)]
        found += sorted(here, key=lambda v: not v.is_parameter)
    return tuple(v for v in found if v.name)


def _declared_in(scope: Die) -> Iterator[Die]:
    """Yield the variables of a scope, and parameters that the compiler dropped from an inlined copy."""
    seen = set()
    for die in scope.children(_VARIABLES):
        origin = die.reference(c.AT_ABSTRACT_ORIGIN)
        if origin is not None:
            seen.add(origin.key)
        yield die
    origin = scope.reference(c.AT_ABSTRACT_ORIGIN)
    if origin is not None and origin.tag == c.TAG_SUBPROGRAM:
        yield from (die for die in origin.children(_PARAMS) if die.key not in seen)


class _Reader:
    def __init__(self, program: Program, function: Scope, address: int) -> None:
        self._program = program
        self._function = function
        self._address = address

    def variable(self, die: Die, function: str) -> Variable:
        """Return one variable with its location."""
        name = die.name
        kind = type_of(die)
        location = self._location(die, name)
        holder = die.inherited(c.AT_DECL_LINE)
        line = (holder.number(c.AT_DECL_LINE) if holder else None) or 0
        fetch = fetch_of(name, kind, location) if name else None
        return Variable(name, kind, location, fetch, die.tag == c.TAG_PARAM, function, line)

    def _location(self, die: Die, name: str) -> Location:
        holder = die.inherited(c.AT_CONST_VALUE)
        value = holder.raw(c.AT_CONST_VALUE) if holder else None
        if value is not None:
            number = value[1] if isinstance(value[1], int) else int.from_bytes(value[1], "little")
            return Constant(number)
        place = die.inherited(c.AT_LOCATION)
        if place is None:
            return OPTIMIZED_OUT
        code = description_at(place, self._address)
        if code is None:
            return OPTIMIZED_OUT
        found = evaluate(code, place.unit, self._program.machine, self._frame_base)
        return self._static(name, found.address) if isinstance(found, Address) else found

    def _frame_base(self) -> Location | None:
        function = self._function.die
        found = function.raw(c.AT_FRAME_BASE)
        if not found or not isinstance(found[1], bytes):
            return None

        def call_frame() -> Location | None:
            return frame_address(self._program.file.elf, self._function.ranges, self._address)

        base = evaluate(found[1], function.unit, self._program.machine, call_frame)
        return None if isinstance(base, Address) else base

    def _static(self, name: str, address: int) -> Location:
        """Return the location of a static variable, by its symbol, whose name may have a number."""
        symbol = self._program.symbols.object_at(name, address)
        return AtSymbol(symbol, 0) if symbol else Absent("it has no symbol")


def fetch_of(name: str, kind: CType | None, location: Location) -> FetchArg | None:
    """Return the fetch argument for a variable; None if it cannot be read or is not a single value."""
    type_ = fetch_type(kind) if kind is not None else None
    text = spell(location)
    if text is None or type_ is None:
        return None
    return FetchArg(text, to_identifier(name, ARG_MAX), type_)
