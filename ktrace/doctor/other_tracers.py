"""Find out who else is tracing: instances, enabled events, the current tracer.

See Documentation/trace/ftrace.rst, "Instances", and events.rst, "set_event".
"""

from ktrace.doctor.fact import Fact
from ktrace.doctor.machine import Machine
from ktrace.tracefs.holding import Judge, Life
from ktrace.tracefs.instances import Owner

_SHOWN = 3


def other_facts(machine: Machine) -> list[Fact]:
    """Return one fact each for instances, enabled events and the tracer."""
    tracing = machine.tracing()
    if tracing is None or not machine.exists(f"{tracing}/README"):
        return [Fact(name, "unknown", "tracefs cannot be read") for name in ("instances", "events", "tracer")]
    return [_instances(machine, tracing), _events(machine, tracing), _tracer(machine, tracing)]


def _instances(machine: Machine, tracing: str) -> Fact:
    names = machine.names(f"{tracing}/instances")
    if isinstance(names, int):
        return Fact("instances", "unknown", "this kernel has no instances, or they cannot be seen")
    owners = {name: owner for name in names if (owner := Owner.of_name(name))}
    lives: dict[Life, list[str]] = {}
    if owners:
        with Judge(machine.files(tracing)) as judge:
            for name, owner in owners.items():
                together = [other for other, one in owners.items() if one == owner]
                lives.setdefault(judge.of(owner, together).life, []).append(name)
    if left := lives.get(Life.DEAD):
        return Fact("instances", "warn", f"{_several(left)} of ktrace sessions that died", "ktrace clean")
    if unknown := lives.get(Life.UNKNOWN):
        what = f"{_several(unknown)} of ktrace sessions of which it cannot be told whether they run"
        return Fact("instances", "warn", what, "ktrace clean --dry-run")
    return Fact("instances", "ok", _several(names))


def _events(machine: Machine, tracing: str) -> Fact:
    on = _set_events(machine, tracing)
    if on is None:
        return Fact("events", "unknown", "set_event cannot be read")
    elsewhere = machine.names(f"{tracing}/instances")
    within = [
        f"{len(events)} in {name}"
        for name in (elsewhere if isinstance(elsewhere, list) else [])
        if (events := _set_events(machine, f"{tracing}/instances/{name}"))
    ]
    return Fact("events", "ok", "; ".join([f"on in the top buffer: {_several(on)}", *within]))


def _set_events(machine: Machine, buffer: str) -> list[str] | None:
    text = machine.read(f"{buffer}/set_event").text
    return None if text is None else text.splitlines()


def _tracer(machine: Machine, tracing: str) -> Fact:
    reading = machine.read(f"{tracing}/current_tracer")
    if reading.text is None:
        return Fact("tracer", "unknown", reading.why_not)
    tracer = reading.text.strip()
    if tracer == "nop":
        return Fact("tracer", "ok", "nop: nobody's")
    advice = f"costs time on every call; if nobody wants it: echo nop > {tracing}/current_tracer"
    return Fact("tracer", "warn", f"{tracer} runs in the top buffer", advice)


def _several(names: list[str]) -> str:
    """Return `none`, or the count and the first few names."""
    if not names:
        return "none"
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names)} ({', '.join(names[:_SHOWN])}{more})"
