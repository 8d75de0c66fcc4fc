"""Add probes that stay, one or hundreds: `ktrace add`."""

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

from ktrace.errors import KtraceError, NotFound, Refused
from ktrace.model.plan import Plan
from ktrace.model.probe import Check, Probe
from ktrace.probes.define import Defined, define_probe
from ktrace.probes.define_all import Define, Definitions, define_all
from ktrace.probes.switching import Failures, remove_probe, set_enabled
from ktrace.resolve.spec import ProbeSpec, Relocate
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.tracefs import dynevents
from ktrace.tracefs.apply import Applied
from ktrace.tracefs.dynevents import define_step
from ktrace.tracefs.events import enable_step, stack_step
from ktrace.tracefs.files import Files


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of `add`, without the definitions.

    Attributes:
        append: add probe points to existing events.
        atomic: undo everything after one refusal.
        stack: record the kernel stack at each hit.
        enable: enable in the top buffer.
    """

    append: bool = False
    atomic: bool = False
    stack: bool = False
    enable: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """The probes that were added, and those that were not, with the reason."""

    done: tuple[Defined, ...]
    failed: tuple[tuple[Probe, KtraceError], ...]


def plan(probe: Probe, wishes: Wishes) -> Plan:
    """Return the steps that would be made, for --dry-run."""
    steps = [define_step(probe)]
    if wishes.stack:
        steps.append(stack_step(probe.event))
    if wishes.enable:
        steps.append(enable_step(probe.event))
    return Plan(tuple(steps))


def add_probes(
    tracing: Files,
    debug: Files | None,
    specs: Sequence[ProbeSpec],
    wishes: Wishes,
    between: Callable[[], None],
    check: Check | None = None,
) -> Added:
    """Define all probes, one write each. One that is refused does not take the others with it.

    Args:
        between: called before each write; what it raises ends the work, and what was added is removed.
        check: refuses arguments that read nothing, as in `define_probe`.
    """
    outcome = Definitions()
    failed: Failures = []
    stacks = Applied(tracing)  # an event that was there before keeps no trigger of ours
    define = _definer(tracing, debug, wishes, check)
    try:
        define_all(specs, define, before=between, refuse=lambda _: None, outcome=outcome)
        done = [defined for _, defined in outcome.done]
        failed += [(spec.probe, error) for spec, error in outcome.refused]
        if not (failed and wishes.atomic):
            if wishes.stack:
                failed += _stack_each(stacks, done)
            if wishes.enable:
                between()
                failed += set_enabled(tracing, [d.probe for d in done], True, between=between)
    except BaseException as error:
        stacks.undo_all()
        for _, problem in _undo(tracing, [defined for _, defined in outcome.done]):
            raise problem from error  # what could not be undone matters more than why the work ended
        raise
    if failed and wishes.atomic:
        stacks.undo_all()
        failed += _undo(tracing, done)
        done = []
    return Added(tuple(done), tuple(failed))


def _definer(tracing: Files, debug: Files | None, wishes: Wishes, check: Check | None) -> Define:
    """Return a function that defines one probe. Symbols are read once, when a probe first needs them."""
    load_once = cache(partial(Kallsyms.load, tracing.host))

    def define(probe: Probe, move: Relocate) -> Defined:
        return define_probe(
            tracing,
            probe,
            append=wishes.append,
            load_symbols=load_once,
            debug=debug,
            move=move,
            check=check,
        )

    return define


def _stack_each(applied: Applied, done: list[Defined]) -> Failures:
    failed: Failures = []
    for defined in done:
        try:
            applied.apply(stack_step(defined.probe.event))
        except Refused as refused:
            if refused.errno == errno.EEXIST:
                continue  # a probe point appended to an event that has the trigger
            problem = Refused(f"{defined.probe.event}: no stacks: {refused.message}", errno=refused.errno)
            failed.append((defined.probe, problem))
    return failed


def _undo(tracing: Files, done: list[Defined]) -> Failures:
    """Remove what was just added, newest first, enabled or not; return what could not be removed.

    An event that was there before loses only the probe point that was added.
    """
    failed: Failures = []
    for defined in reversed(done):
        try:
            if defined.appended:
                dynevents.remove_point(tracing, defined.probe)
            else:
                remove_probe(tracing, defined.probe)
        except NotFound:
            continue
        except KtraceError as error:
            failed.append((defined.probe, error))
    return failed
