"""Compile a script: run the passes of `pass_list` over it.

Linking the text with variables and functions is `runtime.program.link`; `runtime.dispatch` runs it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ktrace.script.kernel_interface import Machine
from ktrace.script.language.definitions import Script
from ktrace.script.language.limits import Limits
from ktrace.script.language.preprocess import Facts
from ktrace.script.language.source import SourceFile
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.compilation import Compilation
from ktrace.script.passes.emit import Emitted
from ktrace.script.passes.hook import Hook
from ktrace.script.passes.pass_list import PASSES, TO_HOOKS
from ktrace.script.passes.pass_manager import Pass
from ktrace.script.passes.push_down_counts import Counted
from ktrace.script.passes.push_down_filters import Pushed
from ktrace.script.passes.types import Types


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
                raise hook.refused
        return hooks

    def after(self, passes: Sequence[Pass], sources: Iterable[SourceFile]) -> Compilation:
        """Return what these passes make of a script."""
        made = Compilation(
            tuple(sources), self.facts, self.machine, self.settings, self.limits, tuple(self.tapsets)
        )
        for one in passes:
            one.apply(made)
        return made
