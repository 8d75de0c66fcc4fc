"""Expand the probe points of every probe: aliases, wildcards, `?` and `!`.

A point marked `?` or `!` and the members of a wildcard may match nothing; then they are left out. That is the
only reason: any other mistake in them is an error, as elsewhere.

An alias's statements run before the handler's (after them with `+=`) and share its variables.
"""

from collections.abc import Sequence
from dataclasses import field, replace
from fnmatch import fnmatchcase

from ktrace.errors import KtraceError, Unavailable
from ktrace.model.near import close_to
from ktrace.records import dataclass
from ktrace.script.kernel_interface import Machine
from ktrace.script.language.ast import Block
from ktrace.script.language.definitions import Alias, Component, Point, Script
from ktrace.script.language.points import (
    REFUSED_ALIASES,
    REFUSED_FAMILIES,
    AtMoment,
    OwnSite,
    read_point,
    sequences,
    spelled,
)
from ktrace.script.language.source import NoSuchPoint, ScriptError
from ktrace.script.passes.alias_blocks import blocks_of
from ktrace.script.passes.hook import Hook, Hooks, machine_at

# The first parts of probe points that are not aliases.
LEAVES = frozenset(
    (
        *("begin", "end", "error", "never", "oneshot", "timer", "kernel", "module", "kprobe", "__ktrace"),
        *("procfs", "perf", "__ktrace_input"),
        *REFUSED_FAMILIES,
    )
)
_DEPTH_MAX = 20
_OF_FUNCTIONS = frozenset(("call", "exported", "maxactive"))
"""Suffixes that mean nothing at a tracepoint: it has no calls to choose from, and misses no return."""


def expand_aliases(
    script: Script, aliases: tuple[Alias, ...], machine: Machine | None, warnings: Sequence[str]
) -> tuple[Hooks, Sequence[str], Sequence[str]]:
    """Make a hook for each handler at each probe point.

    Returns:
        The hooks; a note for each point that matches nothing and is left out; the warnings, with one for each
        point that is left out since nobody knows what it matches.

    Raises:
        KtraceError: the script has no probes.
        ScriptError: a point matches nothing and is not marked `?` or `!`, or no point matches anything.
    """
    if not script.probes:
        raise KtraceError("this script has no probes", hint="probe begin { ... }")
    expander = _Expander(aliases, machine)
    found: list[Hook] = []
    for probe in script.probes:
        found += expander.points(probe.points, probe.body)
    if not any(not hook.body.at.source.tapset for hook in found):
        at = script.probes[0].at
        if (unknown := expander.unknown) is not None:
            problem = "none of the probe points of this script is known to match anything"
            raise NoSuchPoint(f"{problem}: {unknown.message}", at, hint=unknown.hint)
        problem = "none of the probe points of this script matches anything"
        raise NoSuchPoint(problem, at, hint=_last(expander.notes))
    return tuple(found), expander.notes, (*warnings, *expander.warnings)


@dataclass(slots=True)
class _Expander:
    aliases: Sequence[Alias]
    machine: Machine | None
    within: list[Alias] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unknown: Unavailable | None = None

    def points(self, points: Sequence[Point], body: Block, *, may_miss: bool = False) -> list[Hook]:
        found: list[Hook] = []
        for point in points:
            hooks = self.point(point, body, may_miss=may_miss or point.may_miss)
            found += hooks
            if hooks and point.sufficient:
                break
        return found

    def point(self, point: Point, body: Block, *, may_miss: bool) -> list[Hook]:
        try:
            hooks = self._leads_to(point, body, may_miss=may_miss)
        except NoSuchPoint as error:
            if not may_miss:
                raise
            self.notes.append(f"{point} is left out: {error.message}")
            return []
        conditions = (point.condition,) if point.condition is not None else ()
        return [
            replace(
                hook,
                asked=point,
                named=hook.named if point.is_pattern else point,
                conditions=(*hook.conditions, *conditions),
            )
            for hook in hooks
        ]

    def _leads_to(self, point: Point, body: Block, *, may_miss: bool) -> list[Hook]:
        if point.parts[0].name in LEAVES and not point.is_pattern:
            return self._leaf(point, body, may_miss=may_miss)
        chosen = self._chosen(point)
        ways = [way for one in sequences(point) for way in spelled(one)] if point.is_pattern else []
        if not chosen and not ways:
            words = ".".join(part.name for part in point.parts[:2])
            if words in REFUSED_ALIASES:
                refused = ScriptError(f"'{point}' cannot be probed: {REFUSED_ALIASES[words]}", point.at)
                return [Hook(point, AtMoment("never"), point, body, refused=refused)]
            raise NoSuchPoint(f"there is no probe point '{point}'", point.at, hint=self._near(point))
        if len(self.within) > _DEPTH_MAX:
            raise ScriptError(f"'{point}' leads through more than {_DEPTH_MAX} aliases", point.at)
        noted, warned = len(self.notes), len(self.warnings)
        hooks = self.points([replace(way, condition=None) for way in ways], body, may_miss=True)
        for one in chosen:
            alias = one.alias
            self.within.append(alias)
            one_of_many = point.is_pattern and len(chosen) + len(ways) > 1
            points = [_with(p, one.rest) for p in alias.points]
            named = replace(point, parts=(*one.name, *one.rest))
            for hook in self.points(points, body, may_miss=may_miss or one_of_many):
                before, after = blocks_of(alias, body, self.within[:-1])
                before, after = (*hook.before, *before), (*after, *hook.after)
                hooks.append(replace(hook, named=named, before=before, after=after))
            self.within.pop()
        if not hooks:
            raise NoSuchPoint(f"'{point}' matches nothing here", point.at, hint=self._reason(noted, warned))
        return hooks

    def _chosen(self, point: Point) -> "list[_Match]":
        """Return the aliases that a point means. Of the names that begin one point, the longest is meant."""
        aliases = [one for one in self.aliases if one not in self.within]
        ways = sequences(point)
        found: list[_Match] = []
        for way in ways:
            some = [one for alias in aliases for one in _matches(alias, way)]
            longer = {one.words[:count] for one in some for count in range(len(one.name))}
            found += [one for one in some if one.words not in longer]
        if len(ways) > 1:
            # `**` stands for names, not for suffixes.
            found = [one for one in found if not any("*" in part.name for part in one.rest)]
        # The single event for all system calls replaces one event for each.
        every = {one.words[0] for one in found if one.is_every}
        found = [one for one in found if one.is_every or one.words[0] not in every]
        return [
            replace(one, rest=_without(one.rest, _OF_FUNCTIONS)) if one.is_every else one for one in found
        ]

    def _leaf(self, point: Point, body: Block, *, may_miss: bool) -> list[Hook]:
        """Return the hook of a point that is not an alias. One that may match nothing is looked up."""
        try:
            site = read_point(point)
        except NoSuchPoint as error:
            if may_miss:
                raise
            return [Hook(point, AtMoment("never"), point, body, refused=error)]
        except ScriptError as error:
            # The first mistake in the text is the one to report, and this may not be it.
            return [Hook(point, AtMoment("never"), point, body, refused=error)]
        if may_miss and not isinstance(site, OwnSite):
            try:
                is_there = machine_at(point, self.machine).exists(site)
            except Unavailable as error:
                self.warnings.append(f"{point} is left out: {error.message}")
                self.unknown = self.unknown or error
                return []
            if not is_there:
                raise NoSuchPoint(f"'{point}' matches nothing here", point.at)
        return [Hook(point, site, point, body)]

    def _reason(self, noted: int, warned: int) -> str | None:
        """Return the last reason for leaving out a point, of those after the first `noted` and `warned`."""
        return _last((*self.notes[noted:], *self.warnings[warned:]))

    def _near(self, point: Point) -> str | None:
        names = [str(name) for alias in self.aliases for name in alias.names]
        near = close_to(str(point), [*names, *LEAVES])
        return "close to it: " + ", ".join(near) if near else None


def _last(notes: Sequence[str]) -> str | None:
    return notes[-1] if notes else None


@dataclass(frozen=True, slots=True)
class _Match:
    """An alias whose `name` is the beginning of a probe point, and the `rest` of the point."""

    alias: Alias
    name: tuple[Component, ...]
    rest: tuple[Component, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Return the name as text."""
        return tuple(map(str, self.name))

    @property
    def is_every(self) -> bool:
        """Return whether it is the single event for all system calls."""
        return any(part.name == "__any" for part in self.name)


def _matches(alias: Alias, point: Point) -> list[_Match]:
    """Return a match for each of the alias's names that the point begins with."""
    found = []
    for name in alias.names:
        parts = name.parts
        length = len(parts)
        # The last part first: the aliases of a family begin alike.
        if (
            length <= len(point.parts)
            and _fits(point.parts[length - 1], parts[-1])
            and all(map(_fits, point.parts, parts))
        ):
            found.append(_Match(alias, parts, point.parts[length:]))
    return found


def _without(rest: tuple[Component, ...], words: frozenset[str]) -> tuple[Component, ...]:
    return tuple(part for part in rest if part.name not in words)


def _fits(asked: Component, own: Component) -> bool:
    if asked.arg != own.arg:
        return False
    return asked.name == own.name or ("*" in asked.name and fnmatchcase(own.name, asked.name))


def _with(point: Point, rest: tuple[Component, ...]) -> Point:
    """Append a suffix such as `.return` to a point of an alias."""
    return replace(point, parts=(*point.parts, *rest)) if rest else point
