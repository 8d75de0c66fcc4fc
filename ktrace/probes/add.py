"""Adding probes that stay: what `ktrace add` does, for one or for hundreds."""

import errno
from collections.abc import Callable
from dataclasses import dataclass

from ktrace.errors import KtraceError, NotFound, Refused
from ktrace.model.plan import Plan
from ktrace.model.probe import Check, Probe
from ktrace.probes.define import Defined, define_probe
from ktrace.probes.switching import Failures, remove_probe, set_enabled
from ktrace.resolve.spec import Relocate, relocate_place
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.tracefs import dynevents
from ktrace.tracefs.apply import Applied
from ktrace.tracefs.dynevents import define_step
from ktrace.tracefs.events import enable_step, stack_step
from ktrace.tracefs.files import Files


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of `add` besides the definitions.

    Attributes:
        append: add probe points to events that are there already.
        atomic: one refusal undoes all.
        stack: record the kernel stack at each hit.
        enable: switch on in the top buffer.
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
    probes: list[Probe],
    wishes: Wishes,
    between: Callable[[], None],
    move: Relocate = relocate_place,
    check: Check | None = None,
) -> Added:
    """Define all, one write each; one that is refused does not take the others with it.

    Args:
        between: called before each write; what it raises ends the work, and what was added is removed.
        move: rebuilds a probe for its function's present name.
        check: refuses arguments that read nothing, as in `define_probe`.
    """
    done: list[Defined] = []
    failed: Failures = []
    stacks = Applied(tracing)  # an event that was there before keeps no trigger of ours
    try:
        _define_each(tracing, debug, probes, wishes, between, move, check, done, failed)
        if not (failed and wishes.atomic):
            if wishes.stack:
                failed += _stack_each(stacks, done)
            if wishes.enable:
                between()
                failed += set_enabled(tracing, [d.probe for d in done], True, between=between)
    except BaseException as error:
        stacks.undo_all()
        for _, problem in _undo(tracing, done):
            raise problem from error  # what could not be undone matters more than why the work ended
        raise
    if failed and wishes.atomic:
        stacks.undo_all()
        failed += _undo(tracing, done)
        done = []
    return Added(tuple(done), tuple(failed))


def _define_each(
    tracing: Files,
    debug: Files | None,
    probes: list[Probe],
    wishes: Wishes,
    between: Callable[[], None],
    move: Relocate,
    check: Check | None,
    done: list[Defined],
    failed: Failures,
) -> None:
    cache: list[Kallsyms] = []

    def load_once() -> Kallsyms:
        if not cache:
            cache.append(Kallsyms.load(tracing.host))
        return cache[0]

    for probe in probes:
        between()
        try:
            done.append(
                define_probe(
                    tracing,
                    probe,
                    append=wishes.append,
                    load_symbols=load_once,
                    debug=debug,
                    move=move,
                    check=check,
                )
            )
        except KtraceError as error:
            failed.append((probe, error))


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
    """Remove what was just added, newest first, switched on or not; what could not be is returned.

    Of an event that was there before, only the probe point that was added goes.
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
