"""Expand the probe points of every probe: aliases, wildcards, `?` and `!`.

An alias's statements run before the handler's (after them with `+=`) and share its variables.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from ktrace.model.near import close_to
from ktrace.script.language.ast import Block, Expr, Statement
from ktrace.script.language.definitions import Alias, Component, Point, Probe
from ktrace.script.language.source import ScriptError

# The first parts of probe points that are not aliases.
LEAVES = frozenset(
    (
        *("begin", "end", "error", "never", "oneshot", "timer", "kernel", "module", "kprobe", "__ktrace"),
        *("process", "procfs", "perf", "java", "python2", "python3", "plugin", "prometheus"),
    )
)
_DEPTH_MAX = 20

Exists = Callable[[Point], bool]
"""Returns whether the kernel has the function or event of a point."""


@dataclass(frozen=True, slots=True, eq=False)
class Hook:
    """One handler at one probe point that is not an alias.

    Attributes:
        point: the expanded probe point.
        asked: the probe point as the script wrote it.
        before, after: the statements of the aliases that were expanded.
        body: the script's own statements.
        conditions: the conditions of `if (condition)`, those of aliases first.
        optional: whether the point is allowed to match nothing.
    """

    point: Point
    asked: Point
    body: Block
    before: tuple[Block, ...] = ()
    after: tuple[Block, ...] = ()
    conditions: tuple[Expr, ...] = ()
    optional: bool = False

    @property
    def code(self) -> Block:
        """Return all statements in order."""
        parts: tuple[Statement, ...] = (*self.before, self.body, *self.after)
        return parts[0] if len(parts) == 1 else Block(self.body.at, parts)  # type: ignore[return-value]


def expand(probes: Iterable[Probe], aliases: Sequence[Alias], exists: Exists) -> list[Hook]:
    """Return a hook for each handler and each point that it expands to.

    Raises:
        ScriptError: a point matches nothing and is not marked `?` or `!`.
    """
    expander = _Expander(aliases, exists)
    found: list[Hook] = []
    for probe in probes:
        found += expander.points(probe.points, probe.body)
    return found


@dataclass(slots=True)
class _Expander:
    aliases: Sequence[Alias]
    exists: Exists
    within: list[Alias] = field(default_factory=list)

    def points(self, points: Sequence[Point], body: Block) -> list[Hook]:
        found: list[Hook] = []
        for point in points:
            hooks = self.point(point, body)
            found += hooks
            if hooks and point.sufficient:
                break
        return found

    def point(self, point: Point, body: Block) -> list[Hook]:
        may_miss = point.may_miss
        try:
            hooks = self._leads_to(point, body)
        except ScriptError:
            if may_miss:
                return []
            raise
        conditions = (point.condition,) if point.condition is not None else ()
        may_miss = may_miss or (point.is_pattern and len(hooks) > 1)
        return [
            replace(h, asked=point, conditions=(*h.conditions, *conditions), optional=h.optional or may_miss)
            for h in hooks
        ]

    def _leads_to(self, point: Point, body: Block) -> list[Hook]:
        if point.parts[0].name in LEAVES:
            if point.may_miss and not self.exists(point):
                return []
            return [Hook(point, point, body)]
        found = [(alias, rest) for alias in self.aliases for rest in _matches(alias, point)]
        found = [(alias, rest) for alias, rest in found if alias not in self.within]
        exact = [(alias, rest) for alias, rest in found if not rest]
        # The single event for all system calls replaces one event for each.
        every = [pair for pair in exact if any(part.name == "__any" for part in pair[0].names[0].parts)]
        exact = every or exact
        if not (exact or found):
            raise ScriptError(f"there is no probe point '{point}'", point.at, hint=self._near(point))
        if len(self.within) > _DEPTH_MAX:
            raise ScriptError(f"'{point}' leads through more than {_DEPTH_MAX} aliases", point.at)
        hooks: list[Hook] = []
        for alias, rest in exact or found:
            self.within.append(alias)
            for hook in self.points([_with(p, rest) for p in alias.points], body):
                blocks = (alias.body,) if alias.body.body else ()
                if alias.epilogue:
                    hooks.append(replace(hook, after=(*blocks, *hook.after)))
                else:
                    hooks.append(replace(hook, before=(*hook.before, *blocks)))
            self.within.pop()
        return hooks

    def _near(self, point: Point) -> str | None:
        names = [str(name) for alias in self.aliases for name in alias.names]
        near = close_to(str(point), [*names, *LEAVES])
        return "close to it: " + ", ".join(near) if near else None


def _matches(alias: Alias, point: Point) -> list[tuple[Component, ...]]:
    """Return the point's remaining parts after each of the alias's names that matches."""
    found = []
    for name in alias.names:
        parts = name.parts
        if len(parts) <= len(point.parts) and all(map(_fits, point.parts, parts)):
            found.append(point.parts[len(parts) :])
    return found


def _fits(asked: Component, own: Component) -> bool:
    if asked.arg != own.arg:
        return False
    return asked.name == own.name or ("*" in asked.name and fnmatchcase(own.name, asked.name))


def _with(point: Point, rest: tuple[Component, ...]) -> Point:
    """Append a suffix such as `.return` to a point of an alias."""
    return replace(point, parts=(*point.parts, *rest)) if rest else point
