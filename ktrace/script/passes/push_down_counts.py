"""Find handlers that only count and let the kernel count instead, with hist triggers.

    probe kernel.function("vfs_read") { if ($count > 4096) n[execname(), cpu()]++ }

becomes `hist:keys=f1,common_cpu:size=4096 if f0 > 4096`. It is all or nothing: if one handler of a
kernel event does more, all handlers run in user space, because what one prints depends on what the others
have counted by then.

The result must be the same as when counting in user space. So the kernel does not count

* aggregates whose minimum, maximum, variance or histogram is read (the kernel's powers of two have other
  limits), or whose count and sum are both read by a timer: the kernel does not update them in one step;
* keys other than plain numbers, and `execname()` at functions. Hits of a task whose name ends in a space,
  which the kernel's table does not show, are recorded and counted in user space;
* arrays with elements deleted before the end, unless there are few keys: the kernel's table keeps every key
  it has seen. The table has room for more keys than the array, so if the table is full, so is the array;
* if arrays wrap, or the script has an error probe.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import field

from ktrace.aggregate.hist import KEYS_MAX, SIZE_MAX, SIZE_MIN, VALUES_MAX, Hist, Term, both, round_size
from ktrace.records import dataclass
from ktrace.script.kernel_interface import Found
from ktrace.script.language.ast import (
    Aggregate,
    Call,
    Delete,
    Foreach,
    Name,
    Node,
    variable_of,
    walk,
)
from ktrace.script.language.definitions import Function, Functions
from ktrace.script.language.limits import Limits
from ktrace.script.language.points import AtMoment, Timer
from ktrace.script.language.sites import Input, PerfEvent, Profile, Served, Watch
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.count_patterns import Added, Keys, NotCounting, additions
from ktrace.script.passes.counted import Counted, Sum, Table
from ktrace.script.passes.types import Types

ENTRIES_MAX = 1 << 16  # of all tables; the kernel allocates them at once, about 400 bytes each
_SAME = Term("common_type")  # a key that is the same for every hit of an event
# Sites whose handlers may read what the kernel has counted by then.
_SEEING = (Timer, Served, Input, Profile, Watch, PerfEvent)
_ENDS_IN_BLANK = '{} ~ "* "'


def push_down_counts(bound: Sequence[Bound], functions: Functions, types: Types, limits: Limits) -> Counted:
    """Turn handlers that only count into hist triggers.

    Return an empty `Counted` if a handler does more than count.
    """
    try:
        return _Counting(bound, list(functions.values()), types, limits).all()
    except NotCounting:
        return Counted()


@dataclass(slots=True)
class _Counting:
    bounds: Sequence[Bound]
    functions: Sequence[Function]
    types: Types
    limits: Limits
    names: set[str] = field(default_factory=set)

    def all(self) -> Counted:
        inside = [b for b in self.bounds if b.found]
        handlers = Counter(f.event for b in inside for f in b.found)
        if not inside or self.limits.MAXERRORS or any(b.entries for b in inside):
            raise NotCounting
        if any(isinstance(b.site, AtMoment) and b.site.moment == "error" for b in self.bounds):
            raise NotCounting
        found = [(b, f, additions(b, f, self.types)) for b in inside for f in b.found]
        if any(handlers[f.event] > 1 for _, f, _ in found):
            raise NotCounting
        self.names = {one.name for _, _, added in found for one in added}
        seen_by = self._seen_by()
        deleted = self._deleted()
        self._check_reads(seen_by=bool(seen_by))
        tables: list[Table] = []
        for _, event, added in found:
            tables += self._tables(event, added, deleted)
        if sum(table.hist.size for table in tables) > ENTRIES_MAX:
            raise NotCounting
        return Counted(frozenset(self.names), tuple(tables), frozenset(seen_by))

    def _tables(self, event: Found, added: Sequence[Added], deleted: set[str]) -> Iterator[Table]:
        """Yield one table for all additions with the same keys and condition."""
        groups: dict[tuple[Keys, str | None], list[Added]] = {}
        for one in added:
            groups.setdefault((one.keys, one.condition), []).append(one)
        # The kernel must not count a hit that a handler has to see.
        text = {term.field for one in added for term, is_text in one.keys if is_text}
        if len(text) > 1:
            raise NotCounting
        left = _ENDS_IN_BLANK.format(*text) if text else None
        shown = f"!({left})" if left else None
        for (keys, condition), members in groups.items():
            values = list(dict.fromkeys(one.value for one in members if one.value is not None))
            if len(keys) > KEYS_MAX or len(values) > VALUES_MAX:
                raise NotCounting
            few = all(term == Term("common_cpu") for term, _ in keys)
            if not few and deleted.intersection(one.name for one in members):
                raise NotCounting
            room = max((self._room(one.name) for one in members), default=0) if keys else 0
            if room >= SIZE_MAX:
                raise NotCounting
            hist = Hist(
                tuple(term for term, _ in keys) or (_SAME,),
                tuple(map(Term, values)),
                size=max(round_size(room + 1), SIZE_MIN),
                filter=both(condition, shown),
            ).checked()
            sums = tuple(_sum(one, values) for one in members)
            yield Table(event.key, hist, sums, left, many=bool(keys) and not few)

    def _room(self, name: str) -> int:
        if not self.types.arrays.get(name):
            return 0
        return self.types.globals[name].size or self.limits.MAXMAPENTRIES

    def _seen_by(self) -> set[str]:
        """Return the timers and files that read a counted variable, possibly through a function."""
        by_function = any(self._mentions(f.body) for f in self.functions)
        found = set()
        for bound in self.bounds:
            nodes = (bound.hook.code, *bound.hook.conditions)
            calls = by_function and any(self._calls_own(node) for node in nodes)
            if isinstance(bound.site, _SEEING) and (calls or any(map(self._mentions, nodes))):
                found.add(bound.scope)
        return found

    def _mentions(self, node: Node) -> bool:
        return any(isinstance(one, Name) and one.name in self.names for one in walk(node))

    def _calls_own(self, node: Node) -> bool:
        own = {f.name for f in self.functions}
        return any(isinstance(one, Call) and one.name in own for one in walk(node))

    def _deleted(self) -> set[str]:
        """Return the variables with elements deleted while the kernel still counts."""
        found = set()
        bodies = [b.hook.code for b in self.bounds if isinstance(b.site, _SEEING)]
        for body in (*bodies, *(f.body for f in self.functions)):
            for node in walk(body):
                if isinstance(node, Delete):
                    variable = variable_of(node.target)
                    if variable is not None and variable.name in self.names:
                        found.add(variable.name)
        return found

    def _check_reads(self, *, seen_by: bool) -> None:
        """Refuse arrays that wrap, and reads of aggregates other than count, sum and average."""
        for name in self.names:
            if self.types.globals[name].wrap:
                raise NotCounting
        asked: set[str] = set()
        for node in (n for root in self._roots() for n in walk(root)):
            if isinstance(node, Aggregate):
                asked.add(node.op)
            if isinstance(node, Foreach) and node.sort == 0 and isinstance(node.base, Name):
                stats = self.types.variable("", node.base.name) == "stats"
                asked |= {node.by or "count"} if stats else set()
        if asked - {"count", "sum", "avg"} or (seen_by and not (asked <= {"count"} or asked <= {"sum"})):
            raise NotCounting

    def _roots(self) -> Iterator[Node]:
        for bound in self.bounds:
            yield bound.hook.code
            yield from bound.hook.conditions
        for function in self.functions:
            yield function.body


def _sum(one: Added, values: Sequence[str]) -> Sum:
    value = None if one.value is None else values.index(one.value)
    return Sum(one.name, one.parts, one.picks, one.shows, value, one.factor, one.stat)
