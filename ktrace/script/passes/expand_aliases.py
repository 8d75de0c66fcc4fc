"""Expand the probe points of every probe: aliases, wildcards, `?` and `!`.

An alias's statements run before the handler's (after them with `+=`) and share its variables.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from ktrace.errors import KtraceError
from ktrace.model.near import close_to
from ktrace.script.kernel_interface import Machine
from ktrace.script.language.ast import Block
from ktrace.script.language.definitions import Alias, Component, Point, Script
from ktrace.script.language.points import AtMoment, Site, Timer, read_point
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.hook import Hook, Hooks, machine_at

# The first parts of probe points that are not aliases.
LEAVES = frozenset(
    (
        *("begin", "end", "error", "never", "oneshot", "timer", "kernel", "module", "kprobe", "__ktrace"),
        *("process", "procfs", "perf", "java", "python2", "python3", "plugin", "prometheus"),
    )
)
_DEPTH_MAX = 20


def expand_aliases(script: Script, aliases: tuple[Alias, ...], machine: Machine | None) -> Hooks:
    """Make a hook for each handler at each probe point.

    Raises:
        KtraceError: the script has no probes.
        ScriptError: a point matches nothing and is not marked `?` or `!`.
    """
    if not script.probes:
        raise KtraceError("this script has no probes", hint="probe begin { ... }")
    expander = _Expander(aliases, machine)
    found: list[Hook] = []
    for probe in script.probes:
        found += expander.points(probe.points, probe.body)
    return tuple(found)


@dataclass(slots=True)
class _Expander:
    aliases: Sequence[Alias]
    machine: Machine | None
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
            try:
                site = read_point(point)
            except ScriptError as error:
                if point.may_miss:
                    return []
                # Other points of the same alias may still exist.
                return [Hook(point, AtMoment("never"), point, body, refused=error)]
            if point.may_miss and not self._exists(point, site):
                return []
            return [Hook(point, site, point, body)]
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

    def _exists(self, point: Point, site: Site) -> bool:
        return isinstance(site, AtMoment | Timer) or machine_at(point, self.machine).exists(site)

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
