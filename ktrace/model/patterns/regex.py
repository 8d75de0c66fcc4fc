"""Regular expressions that take time in proportion to the text, whatever the text is.

All ways through the pattern are followed at once, a character at a time; sets of ways that have been seen
are kept, so that a character mostly costs one look-up. See Cox, "Regular Expression Matching Can Be Simple
And Fast" (2007).
"""

from collections.abc import Iterable
from functools import cached_property
from operator import itemgetter
from typing import TypeAlias

from ktrace.model.patterns.program import Done, Program, Save, Split, compile_tree
from ktrace.model.patterns.syntax import Edge, One, parse

Span: TypeAlias = tuple[int, int]

_MOST_KEPT = 1 << 14
"""Look-ups kept of one pattern: a hostile text that would need more pays with time, not with memory."""


class _State:
    """A set of ways through the program, and where each character leads from it.

    Attributes:
        places: of the steps that wait for a character, or for the end of the text.
        is_done: whether the pattern is met here.
        is_done_at_end: whether it is if the text ends here.
    """

    __slots__ = ("is_done", "is_done_at_end", "next", "places")

    def __init__(self, places: frozenset[int], *, is_done: bool, is_done_at_end: bool) -> None:
        self.places = places
        self.is_done = is_done
        self.is_done_at_end = is_done_at_end
        self.next: dict[str, _State] = {}


class Regex:
    """A POSIX extended regular expression: the leftmost match, and the longest of these.

    Args:
        pattern: see `syntax`.

    Attributes:
        groups: the number of its groups.

    Raises:
        PatternError: it is not understood, or too large.
    """

    def __init__(self, pattern: str) -> None:
        self._program = compile_tree(*parse(pattern))
        self.groups = self._program.groups
        self._states: dict[frozenset[int], _State] = {}
        self._kept = 0

    def search(self, text: str) -> bool:
        """Return whether the pattern is found anywhere in a text."""
        state = self._first
        if state.is_done:
            return True
        for ch in text:
            following = state.next.get(ch)
            state = self._follow(state, ch) if following is None else following
            if state.is_done:
                return True
        return state.is_done_at_end

    def spans(self, text: str) -> tuple[Span | None, ...] | None:
        """Return where the match is and where its groups are; None without a match.

        A group that had no part in the match is None. Groups are those of the first alternative that
        gives the whole its length.
        """
        whole = self._whole(text)
        if whole is None:
            return None
        slots = self._slots(text, *whole)
        groups = [(slots.get(2 * n), slots.get(2 * n + 1)) for n in range(1, self.groups + 1)]
        return (whole, *((a, b) if a is not None and b is not None else None for a, b in groups))

    @cached_property
    def _first(self) -> _State:
        """Return the state before the text's first character. It is never evicted."""
        return self._state(_closure(self._program, [0], at_start=True))

    @cached_property
    def _again(self) -> frozenset[int]:
        """Return the state in which the pattern begins at any other character."""
        return frozenset(_closure(self._program, [0], at_start=False))

    def _follow(self, state: _State, ch: str) -> _State:
        """Return the state after a character."""
        if self._kept >= _MOST_KEPT:
            self._forget()
        steps, code = self._program.steps, ord(ch)
        ways = [at + 1 for at in state.places if isinstance(step := steps[at], One) and code in step]
        found = self._state(self._again.union(_closure(self._program, ways, at_start=False)))
        state.next[ch] = found
        self._kept += 1
        return found

    def _forget(self) -> None:
        for state in self._states.values():
            state.next.clear()
        self._first.next.clear()
        self._states.clear()
        self._kept = 0

    def _state(self, places: Iterable[int]) -> _State:
        found = frozenset(places)
        state = self._states.get(found)
        if state is None:
            steps = self._program.steps
            is_done = any(isinstance(steps[at], Done) for at in found)
            ends = [at + 1 for at in found if isinstance(steps[at], Edge)]
            more = _closure(self._program, ends, at_start=False, at_end=True) if ends and not is_done else []
            at_end = is_done or any(isinstance(steps[at], Done) for at in more)
            state = self._states[found] = _State(found, is_done=is_done, is_done_at_end=at_end)
        return state

    def _whole(self, text: str) -> Span | None:
        """Find the leftmost match, and the longest of these. Each way keeps where it began."""
        steps = self._program.steps
        best: Span | None = None
        ways: dict[int, int] = {}  # step -> the earliest start of a way to it
        for at in range(len(text) + 1):
            if best is None:
                ways.setdefault(0, at)
            reached: dict[int, int] = {}
            for place, begin in sorted(ways.items(), key=itemgetter(1)):
                _extend(reached, self._program, place, begin, (at == 0, at == len(text)))
            for place, begin in reached.items():
                if isinstance(steps[place], Done) and (best is None or begin <= best[0]):
                    best = (begin, at)
            if at == len(text):
                break
            code, ways = ord(text[at]), {}
            for place, begin in reached.items():
                step = steps[place]
                if isinstance(step, One) and code in step and (best is None or begin <= best[0]):
                    ways[place + 1] = min(begin, ways.get(place + 1, begin))
            if best is not None and not ways:
                break
        return best

    def _slots(self, text: str, start: int, end: int) -> dict[int, int]:
        """Return where groups begin and end in the preferred match from `start` to `end`."""
        steps = self._program.steps
        ways: list[tuple[int, tuple[tuple[int, int], ...]]] = [(0, ())]
        for at in range(start, end + 1):
            reached = self._preferred(ways, at, (at == 0, at == len(text)))
            if at == end:
                return next((dict(slots) for place, slots in reached if isinstance(steps[place], Done)), {})
            code = ord(text[at])
            ways = [
                (place + 1, slots)
                for place, slots in reached
                if isinstance(step := steps[place], One) and code in step
            ]
        return {}

    def _preferred(
        self, ways: list[tuple[int, tuple[tuple[int, int], ...]]], at: int, edges: tuple[bool, bool]
    ) -> list[tuple[int, tuple[tuple[int, int], ...]]]:
        """Return the steps reachable without consuming a character, preferred ways first, each once."""
        steps = self._program.steps
        seen: set[int] = set()
        reached = []
        todo = list(reversed(ways))
        while todo:
            place, slots = todo.pop()
            if place in seen:
                continue
            seen.add(place)
            match steps[place]:
                case Split(first, second):
                    todo += ((second, slots), (first, slots))
                case Save(slot):
                    kept = tuple(one for one in slots if one[0] != slot)
                    todo.append((place + 1, (*kept, (slot, at))))
                case Edge(at_end):
                    if edges[at_end]:
                        todo.append((place + 1, slots))
                case _:
                    reached.append((place, slots))
        return reached


def _closure(
    program: Program, roots: Iterable[int], *, at_start: bool, at_end: bool = False
) -> Iterable[int]:
    """Return the steps reachable without consuming a character, including those that wait for the end."""
    steps = program.steps
    seen: set[int] = set()
    todo = list(roots)
    while todo:
        place = todo.pop()
        if place in seen:
            continue
        seen.add(place)
        match steps[place]:
            case Split(first, second):
                todo += (first, second)
            case Save():
                todo.append(place + 1)
            case Edge(wants_end):
                if at_end if wants_end else at_start:
                    todo.append(place + 1)
    return [place for place in seen if _waits(steps[place])]


def _waits(step: object) -> bool:
    return isinstance(step, One | Done) or (isinstance(step, Edge) and step.at_end)


def _extend(
    reached: dict[int, int], program: Program, root: int, begin: int, edges: tuple[bool, bool]
) -> None:
    """Add what can be reached without a character; what an earlier begin has reached stays its own."""
    steps = program.steps
    todo = [root]
    while todo:
        place = todo.pop()
        if place in reached:
            continue
        reached[place] = begin
        match steps[place]:
            case Split(first, second):
                todo += (first, second)
            case Save():
                todo.append(place + 1)
            case Edge(at_end):
                if edges[at_end]:
                    todo.append(place + 1)
