"""Trace the events from which a run learns what handlers ask about tasks."""

from contextlib import suppress

from ktrace.errors import KtraceError, NotFound, Refused
from ktrace.kernel.kernel import Kernel
from ktrace.model.ctype import Pointer, Record, bare
from ktrace.model.miss import Miss
from ktrace.resolve.spec import ProbeOptions, ProbeSpec
from ktrace.script.driver.prepared import Probed
from ktrace.script.passes.runnable import TaskNeeds
from ktrace.script.runtime import task_events
from ktrace.session.run_context import RunContext
from ktrace.tracefs.events import set_filter

# Strings that are read of a program: its arguments; its environment, too. The definition fits into 4 KiB.
_ARGUMENTS, _STRINGS = 32, 80


def follow_tasks(context: RunContext, needs: TaskNeeds, kernel: Probed) -> None:
    """Trace the events that tell of tasks what a script asks."""
    session = context.session
    for event in life_events(kernel, needs):
        session.trace_event(event)
        with suppress(Refused):
            set_filter(session.files, event, "0")  # the handlers of the script see all of them
    if needs.programs:
        try:
            session.add_probe(exec_probe(kernel, needs).probe)
        except KtraceError as error:
            context.notify(f"WARNING: arguments of programs are read from /proc: {error.message}")


def life_events(kernel: Probed, needs: TaskNeeds) -> list[str]:
    """Return the events that tell what a script asks, of those that the kernel has."""
    wanted = task_events.LIVES if needs.lives else task_events.NAMES if needs.names else ()
    return [event for event in wanted if kernel.kernel.tracing.exists(f"events/{event}")]


def exec_probe(kernel: Probed, needs: TaskNeeds) -> ProbeSpec:
    """Return the probe that reads the arguments of programs that are started.

    Raises:
        KtraceError: the kernel's types do not tell where they are.
    """
    offset = _member_offset(kernel.kernel, "finalize_exec", "p")
    strings = task_events.exec_arguments(offset, _STRINGS if needs.environment else _ARGUMENTS)
    words = [f"p:{kernel.group}/{task_events.EXEC}", "finalize_exec", *strings]
    from ktrace.resolve.resolve import want

    (spec,) = want(words, ProbeOptions(kernel.group, machine=kernel.kernel.machine), kernel.kernel)
    return spec


def _member_offset(kernel: Kernel, function: str, member: str) -> int:
    """Return the offset in bytes of a member of the struct that a function's first argument points to.

    Raises:
        NotFound: the kernel's types do not tell.
    """
    types = kernel.types()
    functions = types if isinstance(types, Miss) else types.functions(function)
    if isinstance(types, Miss) or isinstance(functions, Miss):
        raise NotFound(f"the types of '{function}' are not known")
    pointer = bare(functions[0].proto.params[0].type)
    record = bare(pointer.target) if isinstance(pointer, Pointer) else None
    members = types.members(record) if isinstance(record, Record) else ()
    for one in members:
        if one.name == member:
            return one.bit_offset // 8
    raise NotFound(f"the first argument of '{function}' has no member '{member}'")
