"""The scopes of a function, inlined code and blocks, as a tree with addresses."""

from collections.abc import Iterator

from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf.ranges import Ranges, holds, ranges_of
from ktrace.symbols.dwarf.unit import Die

_SCOPES = frozenset({c.TAG_INLINED, c.TAG_LEXICAL_BLOCK})
_DEPTH_MAX = 200  # nested inlined calls and blocks; the kernel has some 30


class Scope:
    """A function, an inlined function or a block."""

    __slots__ = ("_children", "_ranges", "depth", "die")

    def __init__(self, die: Die, depth: int = 0) -> None:
        self.die = die
        self._ranges: Ranges | None = None
        self.depth = depth
        self._children: list[Scope] | None = None

    @property
    def ranges(self) -> Ranges:
        """Return the addresses of its code."""
        if self._ranges is None:
            self._ranges = ranges_of(self.die)
        return self._ranges

    @property
    def is_inlined(self) -> bool:
        """Return whether it is a function's code within another function."""
        return self.die.tag == c.TAG_INLINED

    @property
    def children(self) -> "list[Scope]":
        """Return the scopes directly within it."""
        if self._children is None:
            if self.depth > _DEPTH_MAX:
                raise self.die.unit.damaged(self.die.offset, "scopes are nested too deeply")
            self._children = [Scope(die, self.depth + 1) for die in self.die.children(_SCOPES)]
        return self._children

    def chain(self, address: int) -> "list[Scope]":
        """Return the scopes that hold an address, from this one inward."""
        found = [self]
        while True:
            inner = next((s for s in found[-1].children if holds(s.ranges, address)), None)
            if inner is None:
                return found
            found.append(inner)

    def calls(self) -> "Iterator[Scope]":
        """Yield the functions inlined directly here, not those inlined into them."""
        for child in self.children:
            if child.is_inlined:
                yield child
            else:
                yield from child.calls()
