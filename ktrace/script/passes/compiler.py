"""Compile a script. Each pass uses the results of the passes before it.

| pass | from | makes |
|---|---|---|
| parse | text | a tree (`Script`) |
| expand | probes and aliases | hooks: a handler at a point that is not an alias |
| overload | functions with one name | one that is called, and those that `next` calls |
| inline | hooks and functions | hooks: code that reads the kernel's memory moves into the handler |
| spell | hooks, and the kernel's types | the same, with `$$parms` and `$x$` as single variables |
| fold | hooks, and what the kernel has | the same, with constants computed and `@defined` answered |
| targets | hooks | the values that each reads from the kernel |
| find | points and reads | events of the kernel, through the `Machine` |
| infer | all bodies | types |
| unread | all bodies, types | handlers that print at the end the globals that are never read |
| split | hooks with their events | filters: the events that the kernel can leave out |
| count | hooks with their events | hist triggers: the counts that the kernel can keep |
| emit | types and bodies | the program as Python text |

Linking the text with variables and functions is `program.link`; running it is `drive`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ktrace.errors import KtraceError
from ktrace.script.kernel_interface import Found, Machine, Shape
from ktrace.script.language.ast import Block, Expr, ExprStatement
from ktrace.script.language.definitions import Global, Point, Script
from ktrace.script.language.limits import Limits
from ktrace.script.language.parser import parse
from ktrace.script.language.points import AtFunction, AtMoment, AtSyscall, Site, Timer, read_point
from ktrace.script.language.preprocess import Facts, Preprocessor
from ktrace.script.language.source import ScriptError, SourceFile
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.emit import Emitted, Job, emit
from ktrace.script.passes.expand_aliases import Hook, expand
from ktrace.script.passes.expand_dollars import Known, spell_out
from ktrace.script.passes.fold_constants import fold, without_unused
from ktrace.script.passes.infer_types import infer, infer_more
from ktrace.script.passes.inline import Functions, called, inline, reads_memory
from ktrace.script.passes.kernel_reads import (
    RETURNED,
    TASK_NAME,
    find_targets,
    names_parameters,
    names_returned,
    names_task,
)
from ktrace.script.passes.overload import in_rows
from ktrace.script.passes.print_unread_globals import display, unread
from ktrace.script.passes.push_down_counts import Counted, count
from ktrace.script.passes.push_down_filters import Pushed, split
from ktrace.script.passes.types import Code, Types, scope_of
from ktrace.script.tapset import Tapset

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled script, ready to be linked and run."""

    script: Script
    bound: tuple[Bound, ...]
    types: Types
    emitted: Emitted
    pushed: Pushed
    counted: Counted = field(default_factory=Counted)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Compiler:
    """Runs the passes.

    Args:
        facts: the facts that `%( %)` conditions test.
        machine: the kernel; None if there is none.
        settings: the values of globals set with `-G`, by name.
        limits: the script's limits.
    """

    facts: Facts
    machine: Machine | None = None
    settings: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    tapset: Tapset = field(init=False)
    notes: list[str] = field(default_factory=list)
    _functions: Functions = field(default_factory=dict)
    _naming: frozenset[str] = frozenset()
    _returning: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.tapset = Tapset(self.facts, self.machine)

    def parse(self, sources: Iterable[SourceFile]) -> Script:
        """Parse the script's sources into one tree."""
        preprocessor = Preprocessor(self.facts)
        script = Script()
        for source in sources:
            script += parse(source, preprocessor)
        return script

    def expand(self, script: Script) -> list[Hook]:
        """Return a hook for every handler at every probe point."""
        aliases = (*script.aliases, *self.tapset.aliases(script))
        return expand(script.probes, aliases, self._exists)

    def bind(self, script: Script, hooks: Sequence[Hook]) -> list[Bound]:
        """Find the events and the reads of each hook."""
        names = {one.name for one in script.globals}
        self._functions = {(f.name, len(f.params)): f for f in in_rows(script.functions)}
        if any(names_task(f.body, ()) for f in script.functions):
            self._naming = frozenset(f.name for f in script.functions)
        if any(names_returned(f.body, ()) for f in script.functions):
            self._returning = frozenset(f.name for f in script.functions)
        bound: list[Bound] = []
        missing: dict[Point, KtraceError] = {}
        each = [one for hook in hooks for one in self._each(hook)]
        for number, hook in enumerate(each):
            try:
                bound.append(self._bind(hook, f"probe {number}", names.__contains__))
            except KtraceError as error:
                if not hook.optional:
                    raise
                self.notes.append(f"{hook.point} is left out: {error.message}")
                missing.setdefault(hook.asked, error)
        for asked, refused in missing.items():
            # A wildcard must match at least one event.
            if asked.is_pattern and not asked.may_miss and not any(b.hook.asked is asked for b in bound):
                raise refused
        return bound

    def compile(self, script: Script, bound: Sequence[Bound]) -> Compiled:
        """Infer types, push work down to the kernel and emit the program."""
        functions = {key: replace(f, body=fold(f.body)) for key, f in self._functions.items()}
        used = called([b.hook.code for b in bound], functions)
        functions = {k: f for k, f in functions.items() if k in used or not reads_memory(k, functions)}
        _check_names(script)
        codes = [Code(scope_of(f), f.body) for f in functions.values()]
        handlers = [Code(b.scope, b.hook.code, b.hook.conditions) for b in bound]
        texts: dict[Expr, bool] = {}
        for one in bound:
            texts.update(one.wanted.texts)
        types = infer(script.globals, functions, [*codes, *handlers], texts)
        bound = [*bound, *self._display(unread(script.globals, [*codes, *handlers]), types)]
        for one in bound[len(handlers) :]:
            handlers.append(Code(one.scope, one.hook.code))
            infer_more(types, handlers[-1])
        jobs = [
            Job(
                code,
                one.wanted.fields,
                isinstance(one.site, AtMoment | Timer),
                one.wanted.entries,
                one.wanted.entry_fields,
            )
            for code, one in zip(handlers, bound, strict=True)
        ]
        names = {one.name for one in script.globals}
        pushed = split(bound, names.__contains__)
        counted = count(bound, functions.values(), types, self.limits)
        emitted = emit(types, codes, jobs)
        warnings = tuple(dict.fromkeys(filter(None, (_warning(one.hook.point) for one in bound))))
        return Compiled(script, tuple(bound), types, emitted, pushed, counted, tuple(self.notes), warnings)

    def _display(self, shown: Sequence[Global], types: Types) -> list[Bound]:
        """Return handlers that print the unread globals at the end."""
        text = display(shown, types)
        probes = parse(SourceFile("<unread globals>", text, tapset=True), Preprocessor(self.facts)).probes
        hooks = [Hook(one.points[0], one.points[0], one.body) for one in probes]
        return [Bound(hook, f"unread {i}", AtMoment("end")) for i, hook in enumerate(hooks)]

    def run(self, sources: Iterable[SourceFile]) -> Compiled:
        """Run all passes."""
        script = self.tapset.with_library(self.with_settings(self.parse(sources)))
        if not script.probes:
            raise KtraceError("this script has no probes", hint="probe begin { ... }")
        return self.compile(script, self.bind(script, self.expand(script)))

    def with_settings(self, script: Script) -> Script:
        """Return the script with the globals set by `-G`."""
        return self.tapset.with_settings(script, self.settings)

    def _each(self, hook: Hook) -> list[Hook]:
        """Split a pattern's hook into one for each function if the handler reads all parameters."""
        if not names_parameters(hook.code):
            return [hook]
        site = read_point(hook.point)
        if not isinstance(site, AtFunction) or not site.is_pattern:
            return [hook]
        functions = self._found(hook.point, lambda: self._machine(hook.point).functions(site))
        return [replace(hook, point=hook.point.of_function(*one), optional=True) for one in functions]

    def _bind(self, hook: Hook, scope: str, is_global: Callable[[str], bool]) -> Bound:
        site = read_point(hook.point)

        def is_defined(e: Expr) -> bool:
            return self._is_defined(hook, site, e)

        def parameters() -> Sequence[str]:
            return self._machine(hook.point).parameters(site) if isinstance(site, AtFunction) else ()

        def shape(name: str, path: Sequence[str]) -> Shape | None:
            return self._machine(hook.point).shape(site, name, path) if isinstance(site, AtFunction) else None

        conditions = tuple(fold(inline(c, self._functions, is_global), is_defined) for c in hook.conditions)
        body = inline(hook.code, self._functions, is_global)
        body = without_unused(spell_out(body, Known(parameters, shape)), conditions, is_global)
        body = without_unused(fold(body, is_defined), conditions, is_global)
        hook = replace(hook, before=(), body=body, after=(), conditions=conditions)
        wanted = find_targets(hook, site, is_global)
        if isinstance(site, AtMoment | Timer):
            return Bound(hook, scope, site, wanted)
        machine = self._machine(hook.point)
        at_return = isinstance(site, AtFunction | AtSyscall) and site.at_return
        if at_return and RETURNED not in wanted.reads and names_returned(hook.code, self._returning):
            wanted.reads.append(RETURNED)
        if isinstance(site, AtFunction | AtSyscall) and names_task(hook.code, self._naming):
            wanted.reads.append(TASK_NAME)
            if wanted.entries:
                wanted.entry_reads.append(TASK_NAME)
        found = self._found(hook.point, lambda: machine.find(site, wanted.reads))
        entries: tuple[Found, ...] = ()
        if wanted.entries:
            assert isinstance(site, AtFunction | AtSyscall)
            entered = replace(site, at_return=False)
            entries = self._found(hook.point, lambda: machine.find(entered, wanted.entry_reads))
        return Bound(hook, scope, site, wanted, found, entries)

    def _found(self, point: Point, find: Callable[[], Sequence[T]]) -> tuple[T, ...]:
        try:
            return tuple(find())
        except ScriptError:
            raise
        except KtraceError as error:
            error.message = f"{point.at}: {point}: {error.message}"
            error.args = (error.message,)
            raise

    def _is_defined(self, hook: Hook, site: Site, e: Expr) -> bool:
        try:
            wanted = find_targets(
                replace(hook, body=_only(e), before=(), after=(), conditions=()), site, _none
            )
            if isinstance(site, AtMoment | Timer):
                return False
            return self._machine(hook.point).readable(site, (*wanted.reads, *wanted.entry_reads))
        except KtraceError:
            return False

    def _exists(self, point: Point) -> bool:
        site = read_point(point)
        if isinstance(site, AtMoment | Timer):
            return True
        return self._machine(point).exists(site)

    def _machine(self, point: Point) -> Machine:
        if self.machine is None:
            raise ScriptError(f"'{point}' needs a kernel to be probed", point.at)
        return self.machine


def _warning(point: Point) -> str | None:
    """Return a warning for a probe point that behaves differently than in SystemTap, or None."""
    if any(part.name == "profile" for part in point.parts):
        return f"{point.at}: {point} is a timer of 100 Hz here: it sees no processor but its own"
    return None


def _none(_: str) -> bool:
    return False


def _only(e: Expr) -> Block:
    return Block(e.at, (ExprStatement(e.at, e),))


def _check_names(script: Script) -> None:
    """Refuse a global that is defined twice."""
    seen: set[str] = set()
    for one in script.globals:
        if one.name in seen:
            raise ScriptError(f"there are two global variables '{one.name}'", one.at)
        seen.add(one.name)
