"""Make probes at tracepoints, `t:`, which read the arguments that the kernel's code passes to them.

See Documentation/trace/fprobetrace.rst. A tracepoint is named without its system. Its static event, if it has
one, is something else: its fields are fixed.
"""

from collections.abc import Sequence

from ktrace.errors import KtraceError, NotFound, Unavailable, UsageError
from ktrace.expr.source import Site
from ktrace.kernel.kernel import Kernel
from ktrace.model.arg_words import reads_register
from ktrace.model.fetch import name_args
from ktrace.model.place import TracepointPlace
from ktrace.model.probe import DEFAULT_GROUPS, Probe
from ktrace.resolve.arguments import function_arguments
from ktrace.resolve.facts import with_facts
from ktrace.resolve.spec import ProbeOptions, ProbeSpec
from ktrace.tracefs.events import read_format


def tracepoint_probe(
    name: str, args: Sequence[str], at_return: bool, defaults: ProbeOptions, kernel: Kernel
) -> ProbeSpec:
    """Return the probe for `tracepoint:NAME`.

    Raises:
        UsageError: it asks for what a tracepoint does not have.
        NotFound: there is no such tracepoint.
        Unavailable: this kernel has no probes at tracepoints.
    """
    events = _static_events(name, kernel)
    if not kernel.features.tracepoint_probe:
        raise _unavailable(name, events, kernel)
    if at_return or defaults.regs or any(map(reads_register, args)):
        what = "does not return" if at_return else "has no registers"
        raise UsageError(f"a tracepoint {what}", hint="its arguments by name, $arg1 or $args")
    # Newer kernels take any name, and wait for a module that might have such a tracepoint.
    if not _are_tracepoints(events) and not kernel.symbols.has_function(f"__traceiter_{name}"):
        raise _unknown(name, kernel)
    site = Site(
        name,
        machine=kernel.machine,
        features=kernel.features,
        registers=False,
        tracepoint=True,
        either_arrow=defaults.either_arrow,
        whole=defaults.whole,
    )
    found = function_arguments(args, with_facts(site, kernel), kernel.types())
    probe = Probe(
        kind="t",
        group=defaults.group or DEFAULT_GROUPS["t"],
        name=name if defaults.name is None else defaults.name,
        place=TracepointPlace(name),
        args=name_args(found.args),
    ).checked()
    return ProbeSpec(probe, found.names or {}, found.notes)


def _events(kernel: Kernel) -> list[str]:
    """Return all static events, `SYSTEM:NAME`."""
    try:
        return kernel.tracing.read("available_events").split()
    except OSError:
        return []


def _static_events(name: str, kernel: Kernel) -> list[str]:
    return [event for event in _events(kernel) if event.partition(":")[2] == name]


def _are_tracepoints(events: list[str]) -> bool:
    """Return whether one of the events is a tracepoint. Events of system calls and probes are not."""
    return any(e.partition(":")[0] not in ("syscalls", *DEFAULT_GROUPS.values()) for e in events)


def _unavailable(name: str, events: list[str], kernel: Kernel) -> Unavailable:
    hint = f"the tracepoint {name} has no static event either"
    if events:
        try:
            fields = " ".join(f.name for f in read_format(kernel.tracing, events[0].replace(":", "/")).args)
        except (OSError, KtraceError):
            fields = ""
        hint = f"its static event has fields chosen for you: ktrace trace {events[0]}"
        hint += f"\nfields: {fields}" if fields else ""
    return Unavailable("this kernel has no probes at tracepoints (since 6.5, with FPROBE_EVENTS)", hint=hint)


def _unknown(name: str, kernel: Kernel) -> NotFound:
    from ktrace.model.near import close_to  # noqa: PLC0415 -- only to explain a failure

    names = {event.partition(":")[2] for event in _events(kernel)}
    near = close_to(name, names)
    hint = "close to it: " + ", ".join(near) if near else "static events name most of them: available_events"
    return NotFound(f"this kernel has no tracepoint '{name}'", hint=hint)
