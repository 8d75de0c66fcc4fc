"""Find out what a compiled script asks about tasks that its own events do not carry."""

from collections.abc import Collection, Iterable, Sequence

from ktrace.script.kernel_interface import TASK_NAME, Found, Read
from ktrace.script.language.ast import Call, Node, walk
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.builtins import ADDRESSES, LIVES, PROGRAMS
from ktrace.script.passes.emitted import Emitted
from ktrace.script.passes.runnable import TaskNeeds
from ktrace.script.passes.types import Types


def task_needs(bound: Sequence[Bound], emitted: Emitted, types: Types) -> TaskNeeds:
    """Return what a script asks."""
    names = any(
        _lacks_name(emitted.handlers[scope].params, found, reads)
        for one in bound
        for scope, found, reads in (
            (f"{one.scope} entry", one.entries, one.wanted.entry_reads),
            (one.scope, one.found, one.wanted.reads),
        )
        if found
    )
    called = set(_called(bound, types))

    def uses(functions: Collection[str]) -> bool:
        return bool(called.intersection(functions))

    return TaskNeeds(names, uses(LIVES), uses(PROGRAMS), uses(["env_var"]), uses(ADDRESSES))


def _lacks_name(params: Sequence[str], found: Sequence[Found], reads: Sequence[Read]) -> bool:
    """Return whether a handler takes the task's name and one of its events does not carry it."""
    if "comm" not in params:
        return False
    at = reads.index(TASK_NAME) if TASK_NAME in reads else -1
    return any(at < 0 or not one.columns[at] for one in found)


def _called(bound: Sequence[Bound], types: Types) -> Iterable[str]:
    """Yield the names of the functions that are called."""
    bodies: list[Node] = [one.body for one in types.functions.values()]
    for hooked in bound:
        bodies += [hooked.code.body, *hooked.code.conditions]
    for body in bodies:
        yield from (node.name for node in walk(body) if isinstance(node, Call))
