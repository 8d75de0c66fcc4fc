"""Plan the writes of a script to the kernel: its probes, and the steps that enable, filter and count."""

from collections.abc import Sequence
from contextlib import suppress

from ktrace.errors import KtraceError
from ktrace.model.plan import Plan, Step
from ktrace.script.driver.follow_tasks import exec_probe, life_events
from ktrace.script.driver.live_kernel import ScriptKernel
from ktrace.script.passes.compiler import Compiled
from ktrace.script.passes.counted import Table
from ktrace.script.passes.runnable import TaskNeeds
from ktrace.tracefs.dynevents import define_step
from ktrace.tracefs.events import enable_step, filter_step
from ktrace.tracefs.instances import make_step


def steps(kernel: ScriptKernel, compiled: Compiled, *, pushdown: bool) -> Plan:
    """Return the writes of a script's run: first its probes, then the steps that enable them."""
    counted: dict[int, list[Table]] = {}
    if pushdown and kernel.kernel.features.hist_triggers:
        for table in compiled.counted.tables:
            counted.setdefault(table.key, []).append(table)
    made: list[Step] = [make_step(kernel.group, "a buffer of this run's own")]
    instance = f"instances/{kernel.group}"
    # Handlers at one tracepoint share a key.
    for key in dict.fromkeys(found.key for b in compiled.bound for found in (*b.entries, *b.found)):
        if key in kernel.wanted:
            made.append(define_step(kernel.wanted[key].probe))
        event = kernel.event(key)
        if key in counted:
            made += _counting(event, counted[key], instance)
            continue
        if pushdown and key in compiled.pushed.filters:
            made.append(filter_step(event, compiled.pushed.filters[key]).below(instance))
        made.append(enable_step(event).below(instance))
    made += _following(kernel, compiled.runnable().needs, instance)
    return Plan(tuple(made))


def _following(kernel: ScriptKernel, needs: TaskNeeds, instance: str) -> list[Step]:
    """Return the steps that enable the events which tell of tasks what a script asks."""
    made = [enable_step(event).below(instance) for event in life_events(kernel, needs)]
    if needs.programs:
        with suppress(KtraceError):  # without it, /proc is read
            probe = exec_probe(kernel, needs).probe
            made += [define_step(probe), enable_step(probe.event).below(instance)]
    return made


def _counting(event: str, tables: Sequence[Table], instance: str) -> list[Step]:
    """Return the hist triggers of an event. Hits that they do not count are recorded."""
    made = [table.hist.step(event, f"count {event}").below(instance) for table in tables]
    left = tables[0].left
    if left:
        made += [filter_step(event, left).below(instance), enable_step(event).below(instance)]
    return made
