"""Compile a script: run the passes of `pass_list` over it.

Linking the text with variables and functions is `runtime.program.link`; `runtime.dispatch` runs it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import field

from ktrace.records import dataclass
from ktrace.script.kernel_interface import Machine
from ktrace.script.language.definitions import Global, Script
from ktrace.script.language.facts import Facts
from ktrace.script.language.limits import Limits
from ktrace.script.language.sites import Input, Sampled, Served
from ktrace.script.language.source import ScriptError, SourceFile
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.compilation import Compilation
from ktrace.script.passes.counted import Counted
from ktrace.script.passes.emitted import Emitted
from ktrace.script.passes.hook import Hook
from ktrace.script.passes.pass_list import PASSES, TO_HOOKS
from ktrace.script.passes.pass_manager import Pass
from ktrace.script.passes.pushed import Pushed
from ktrace.script.passes.runnable import Handled, Runnable, Variable
from ktrace.script.passes.task_needs import task_needs
from ktrace.script.passes.types import Types
from ktrace.script.passes.user_place import find_user_place, told_at_user_place


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled script, ready to be linked and run. See `Compilation` for the values."""

    script: Script
    bound: Sequence[Bound]
    types: Types
    emitted: Emitted
    pushed: Pushed
    counted: Counted
    notes: Sequence[str]
    warnings: Sequence[str]

    def runnable(self) -> Runnable:
        """Return what a run needs of it."""
        bound = tuple(map(_handled, self.bound))
        variables = tuple(_variable(one, self.types) for one in self.types.globals.values())
        notes, warnings = tuple(self.notes), tuple(self.warnings)
        needs = task_needs(self.bound, self.emitted, self.types)
        return Runnable(bound, variables, self.emitted, self.pushed, self.counted, notes, warnings, needs)


def _handled(bound: Bound) -> Handled:
    hook, wanted = bound.hook, bound.wanted
    reads, entry_reads = tuple(wanted.reads), tuple(wanted.entry_reads)
    names = str(hook.point), str(hook.asked)
    # One handler serves all functions that match a wildcard, and pn() tells them apart.
    name = "" if hook.name is hook.point and getattr(hook.site, "is_pattern", False) else str(hook.name)
    is_own = isinstance(bound.site, Served | Input | Sampled)
    at, may_miss = (hook.asked.at if is_own else None), hook.point.may_miss or hook.asked.may_miss
    return Handled(
        *(bound.scope, bound.site, *names, reads, entry_reads),
        *(bound.found, bound.entries, at, is_own and may_miss, name),
    )


def _variable(one: Global, types: Types) -> Variable:
    return Variable(
        one.name,
        types.variable("", one.name),
        types.arrays.get(one.name, 0),
        None if one.initial is None else one.initial.value,
        one.size,
        one.wrap,
        tuple(sorted(types.histograms.get(one.name, ()))),
    )


@dataclass(frozen=True, slots=True)
class Compiler:
    """Runs the passes.

    Args:
        facts: the facts that `%( %)` conditions test.
        machine: the kernel; None if there is none.
        settings: the values of globals set with `-G`, by name.
        limits: the script's limits.
        tapsets: files of the user's own tapsets.
    """

    facts: Facts
    machine: Machine | None = None
    settings: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    tapsets: Sequence[SourceFile] = ()

    def run(self, sources: Iterable[SourceFile]) -> Compiled:
        """Compile a script. Raises KtraceError for a mistake in it, or for what the kernel does not have."""
        c = self.after(PASSES, sources)
        return Compiled(c.script, c.bound, c.types, c.emitted, c.pushed, c.counted, c.notes, c.warnings)

    def hooks(self, sources: Iterable[SourceFile]) -> Sequence[Hook]:
        """Return the handlers of a script, one for each probe point. Raises KtraceError for a bad point."""
        hooks = self.after(TO_HOOKS, sources).hooks
        for hook in hooks:
            if hook.refused is not None:
                raise told_at_user_place(hook.refused, hook)
        return hooks

    def after(self, passes: Sequence[Pass], sources: Iterable[SourceFile]) -> Compilation:
        """Return what these passes make of a script."""
        made = Compilation(
            tuple(sources), self.facts, self.machine, self.settings, self.limits, tuple(self.tapsets)
        )
        for one in passes:
            try:
                one.apply(made)
            except ScriptError as error:
                raise find_user_place(error, getattr(made, "hooks", ())) from error
        return made
