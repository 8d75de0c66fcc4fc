"""Find out what a compiled script asks about tasks that its own events do not carry."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ktrace.script.kernel_interface import Found, Read
from ktrace.script.language.ast import Call, Node, walk
from ktrace.script.passes.builtins import ADDRESSES, LIVES, PROGRAMS
from ktrace.script.passes.compiler import Compiled
from ktrace.script.passes.find_reads import TASK_NAME


@dataclass(frozen=True, slots=True)
class TaskNeeds:
    """Questions of the handlers and functions of a script.

    Attributes:
        names: the name of a task, at an event that does not carry it.
        lives: the parents of processes, or names of other tasks.
        programs: the arguments of programs.
        environment: their environment.
        addresses: names of the kernel's addresses.
    """

    names: bool = False
    lives: bool = False
    programs: bool = False
    environment: bool = False
    addresses: bool = False

    @property
    def any_task(self) -> bool:
        """Return whether tasks must be followed."""
        return self.names or self.lives


def task_needs(compiled: Compiled) -> TaskNeeds:
    """Return what a script asks."""
    names = any(
        _lacks_name(compiled.emitted.handlers[scope].params, found, reads)
        for bound in compiled.bound
        for scope, found, reads in (
            (f"{bound.scope} entry", bound.entries, bound.wanted.entry_reads),
            (bound.scope, bound.found, bound.wanted.reads),
        )
        if found
    )
    called = set(_called(compiled))

    def uses(functions: Collection[str]) -> bool:
        return bool(called.intersection(functions))

    return TaskNeeds(names, uses(LIVES), uses(PROGRAMS), uses(["env_var"]), uses(ADDRESSES))


def _lacks_name(params: Sequence[str], found: Sequence[Found], reads: Sequence[Read]) -> bool:
    """Return whether a handler takes the task's name and one of its events does not carry it."""
    if "comm" not in params:
        return False
    at = reads.index(TASK_NAME) if TASK_NAME in reads else -1
    return any(at < 0 or not one.columns[at] for one in found)


def _called(compiled: Compiled) -> Iterable[str]:
    """Yield the names of the functions that are called."""
    bodies: list[Node] = [one.body for one in compiled.types.functions.values()]
    for bound in compiled.bound:
        bodies += [bound.code.body, *bound.code.conditions]
    for body in bodies:
        yield from (node.name for node in walk(body) if isinstance(node, Call))
