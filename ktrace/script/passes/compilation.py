"""The values that the passes over a script hand to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from ktrace.records import dataclass
from ktrace.script.kernel_interface import Machine
from ktrace.script.language.definitions import Alias, Functions, Script
from ktrace.script.language.facts import Facts
from ktrace.script.language.limits import Limits
from ktrace.script.language.source import SourceFile
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.counted import Counted
from ktrace.script.passes.emitted import Emitted
from ktrace.script.passes.hook import Hooks
from ktrace.script.passes.pushed import Pushed
from ktrace.script.passes.types import Types


@dataclass(slots=True, repr=False)
class Compilation:
    """A script that is being compiled. A value has no default: it is missing until a pass makes it.

    Attributes:
        sources: the script's files.
        facts: the facts that `%( %)` conditions test.
        machine: the kernel; None if there is none.
        settings: the values of globals set with `-G`, by name.
        limits: the script's limits.
        tapsets: files of the user's own tapsets.
        script: the syntax tree.
        arguments: the numbers of the arguments that the script names.
        aliases: the script's aliases and those of the tapset.
        hooks: a handler for each probe point that is not an alias.
        functions: the functions, each with a unique name and number of parameters.
        bound: the hooks with the events that call them.
        notes: what was left out, for `-v`.
        types: the types of variables, functions and expressions.
        pushed: the filtering that the kernel does.
        counted: the counting that the kernel does.
        emitted: the program as Python text.
        warnings: what works differently than in SystemTap.
    """

    sources: Sequence[SourceFile]
    facts: Facts
    machine: Machine | None
    settings: Mapping[str, str]
    limits: Limits
    tapsets: Sequence[SourceFile]
    script: Script = field(init=False)
    arguments: frozenset[int] = field(init=False)
    aliases: tuple[Alias, ...] = field(init=False)
    hooks: Hooks = field(init=False)
    functions: Functions = field(init=False)
    bound: Sequence[Bound] = field(init=False)
    notes: Sequence[str] = field(init=False)
    types: Types = field(init=False)
    pushed: Pushed = field(init=False)
    counted: Counted = field(init=False)
    emitted: Emitted = field(init=False)
    warnings: Sequence[str] = field(init=False)
