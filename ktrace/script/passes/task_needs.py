"""Find out what a compiled script asks about tasks that its own events do not carry."""

from collections.abc import Collection, Iterable, Sequence

from ktrace.script.kernel_interface import TASK_NAME, Found, Read
from ktrace.script.language.ast import Call, Node, walk
from ktrace.script.own_task import columns_of, function_of
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.builtins import ADDRESSES, AT_PROBES, LIVES, PROGRAMS
from ktrace.script.passes.emitted import Emitted
from ktrace.script.passes.runnable import TaskNeeds
from ktrace.script.passes.types import Types


def task_needs(bound: Sequence[Bound], emitted: Emitted, types: Types) -> TaskNeeds:
    """Return what a script asks."""
    names, lacking = False, set[str]()
    for one in bound:
        for scope, found, reads in (
            (f"{one.scope} entry", one.entries, one.wanted.entry_reads),
            (one.scope, one.found, one.wanted.reads),
        ):
            if found:
                params = emitted.handlers[scope].params
                names = names or _lacks_name(params, found, reads)
                lacking.update(not_read(params, found, reads))
    # Functions whose values the probes read need nothing more.
    called = set(_called(bound, types)) - (AT_PROBES - lacking)

    def uses(functions: Collection[str]) -> bool:
        return bool(called.intersection(functions))

    return TaskNeeds(names, uses(LIVES), uses(PROGRAMS), uses(["env_var"]), uses(ADDRESSES))


def not_read(params: Sequence[str], found: Sequence[Found], reads: Sequence[Read]) -> list[str]:
    """Return the functions that a handler calls and whose values one of its events does not carry."""
    functions = [name for name in map(function_of, params) if name is not None]
    return [name for name in functions if not all(columns_of(name, reads, one.columns) for one in found)]


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
