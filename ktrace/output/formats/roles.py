"""The meaning of records on a timeline: beginnings and ends of slices, counters, or instants.

Pairs are: an entry probe and a return probe of the same function; the enter and exit of a system call; what
the function graph tracer records; interrupts, softirqs, work and timers; markers of user space
(`ktrace.output.formats.markers`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from ktrace.model.batch import Batch
from ktrace.model.column import Column, Strings
from ktrace.model.format import MESSAGE
from ktrace.output.formats.markers import Marker, parse_marker
from ktrace.output.formats.tracks import Lane

Role = Literal["begin", "end", "instant", "counter"]
Key: TypeAlias = tuple[str, str]
"""Pairs a beginning with its end, on one track."""

MARKER: Key = ("marker", "")
"""The key of slices that user space marks."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of one record.

    Attributes:
        name: of what begins, ends or happens.
        track: None for the record's thread.
        value: of a counter.
        tgid: the thread's process, if the record tells it; otherwise 0.
    """

    role: Role
    key: Key
    name: str
    track: Lane | None = None
    value: int | float = 0
    tgid: int = 0


def meanings(batch: Batch) -> list[Meaning]:
    """Return the meaning of each record of a batch."""
    if batch.kind == "return" and batch.func is not None:
        return [Meaning("end", ("func", name), name) for name in _functions(batch.func, batch.event)]
    if batch.kind == "entry" and batch.place is not None:
        at_start = all(_is_start(place or "") for place in batch.place.take(np.arange(len(batch))).values)
        names = _functions(batch.place, batch.event)
        if at_start:
            return [Meaning("begin", ("func", name), name) for name in names]
        return _instants(batch)
    special = _of_event(batch) if batch.kind in ("fields", "text") else None
    return _instants(batch) if special is None else special


def _instants(batch: Batch) -> list[Meaning]:
    return [Meaning("instant", ("", ""), batch.event)] * len(batch)


_SYSCALL = re.compile(r"sys_(enter|exit)(?:_(\w+))?\Z")
_FUNCTION = re.compile(r"[+ ].*", re.DOTALL)  # what follows a function's name
_OFFSET = re.compile(r"\+0x([0-9a-f]+)(?:/|\Z)")
_SOFTIRQS = ("HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU")
"""include/linux/interrupt.h, in the order of their numbers."""


def _of_event(batch: Batch) -> list[Meaning] | None:
    system = batch.format.system if batch.format else ""
    # In text, the caller of a marker may be missing, or an address.
    if batch.event in ("print", "tracing_mark_write", "bputs", "bprint", "") or batch.event.startswith("0x"):
        return _markers(batch)
    match = _SYSCALL.match(batch.event)
    if match and (match[2] or "id" in batch.columns):
        role: Role = "begin" if match[1] == "enter" else "end"
        number = batch.columns.get("id")
        names = [match[2]] * len(batch) if match[2] else [f"syscall {n}" for n in _cells(number)]
        return [Meaning(role, ("sys", name), name) for name in names]
    if batch.event in _GRAPH and not batch.columns.keys().isdisjoint(("func", "depth")):
        return _calls(batch)
    pair = _PAIRS.get(batch.event)
    if pair is not None and all(field in batch.columns for field in pair.fields):
        return _paired(batch, pair)
    vector = _VECTOR.match(batch.event) if system == "irq_vectors" else None
    if vector:
        role = "begin" if vector[2] == "entry" else "end"
        key = "vector", vector[1]
        return [Meaning(role, key, vector[1], _lane("Interrupts", cpu)) for cpu in batch.cpu.tolist()]
    return None


@dataclass(frozen=True, slots=True)
class _Pair:
    """An event that begins or ends something.

    Attributes:
        group: heading of the tracks on which it is drawn, one for each CPU; empty for the thread.
        fields: whose values tell which one it is.
        name: makes its name from the values of the fields, then those of `more`; called once for each record.
    """

    role: Role
    kind: str
    group: str
    fields: tuple[str, ...]
    name: Callable[..., str]
    more: str = ""


def _softirq(vec: object) -> str:
    if isinstance(vec, int) and 0 <= vec < len(_SOFTIRQS):
        return _SOFTIRQS[vec]
    return f"softirq {vec}"


def _irq(irq: object, name: object = None) -> str:
    return f"{name} (irq {irq})" if name else f"irq {irq}"


_GRAPH: dict[str, Role] = {
    "funcgraph_entry": "begin",
    "funcgraph_retaddr_entry": "begin",
    "funcgraph_exit": "end",
}
_VECTOR = re.compile(r"(\w+)_(entry|exit)\Z")
_IRQS, _SOFT = "Interrupts", "Softirqs"
_PAIRS = {
    "irq_handler_entry": _Pair("begin", "irq", _IRQS, ("irq",), _irq, "name"),
    "irq_handler_exit": _Pair("end", "irq", _IRQS, ("irq",), _irq),
    "softirq_entry": _Pair("begin", "softirq", _SOFT, ("vec",), _softirq),
    "softirq_exit": _Pair("end", "softirq", _SOFT, ("vec",), _softirq),
    "tasklet_entry": _Pair("begin", "tasklet", _SOFT, ("tasklet",), lambda _: "tasklet"),
    "tasklet_exit": _Pair("end", "tasklet", _SOFT, ("tasklet",), lambda _: "tasklet"),
    "ipi_entry": _Pair("begin", "ipi", _IRQS, ("reason",), lambda reason: f"IPI {reason}"),
    "ipi_exit": _Pair("end", "ipi", _IRQS, ("reason",), lambda reason: f"IPI {reason}"),
    "workqueue_execute_start": _Pair("begin", "work", "", ("work",), lambda _: "work"),
    "workqueue_execute_end": _Pair("end", "work", "", ("work",), lambda _: "work"),
    "timer_expire_entry": _Pair("begin", "timer", _SOFT, ("timer",), lambda _: "timer"),
    "timer_expire_exit": _Pair("end", "timer", _SOFT, ("timer",), lambda _: "timer"),
    "hrtimer_expire_entry": _Pair("begin", "hrtimer", _IRQS, ("hrtimer",), lambda _: "hrtimer"),
    "hrtimer_expire_exit": _Pair("end", "hrtimer", _IRQS, ("hrtimer",), lambda _: "hrtimer"),
}  # fmt: skip


def _paired(batch: Batch, pair: _Pair) -> list[Meaning]:
    values = [_cells(batch.columns[field]) for field in pair.fields]
    named = [*values, _cells(batch.columns[pair.more])] if pair.more in batch.columns else values
    return [
        Meaning(
            pair.role,
            (pair.kind, " ".join(map(str, key))),
            pair.name(*about),
            _lane(pair.group, cpu) if pair.group else None,
        )
        for key, about, cpu in zip(
            zip(*values, strict=True), zip(*named, strict=True), batch.cpu.tolist(), strict=True
        )
    ]


def _calls(batch: Batch) -> list[Meaning]:
    """Return the ends of calls of the function graph tracer, which their depth pairs.

    In trace-cmd's text, the end of a call has no name.
    """
    names = [str(name or "?") for name in _cells(batch.columns.get("func"))] or ["?"] * len(batch)
    pairs = [str(depth) for depth in _cells(batch.columns.get("depth"))] or names
    role = _GRAPH[batch.event]
    return [Meaning(role, ("graph", pair), name) for pair, name in zip(pairs, names, strict=True)]


def _lane(group: str, cpu: int) -> Lane:
    return Lane(group, cpu, f"CPU {cpu}")


def _cells(column: Column | None) -> list[object]:
    if isinstance(column, Strings):
        return [column.values[code] for code in column.codes.tolist()]
    return [] if column is None else list(column.tolist())


_ADDRESS = re.compile(r"(?:0x)?[0-9a-f]+: ")  # the caller, which old kernels print before the text


def _markers(batch: Batch) -> list[Meaning] | None:
    column = next((batch.columns[n] for n in (MESSAGE, "buf", "body") if n in batch.columns), None)
    if not isinstance(column, Strings):
        return None
    texts = [_ADDRESS.sub("", text or "", count=1) for text in column.values]
    found = [parse_marker(text) for text in texts]
    plain = Meaning("instant", ("", ""), batch.event or "print")
    made = [plain if marker is None else _marked(marker) for marker in found]
    return [made[code] for code in column.codes.tolist()]


def _marked(marker: Marker) -> Meaning:
    key, pid = MARKER, marker.pid
    match marker.kind:
        case "begin" | "end":
            return Meaning(marker.kind, key, marker.name, tgid=pid)
        case "start" | "finish":
            role: Role = "begin" if marker.kind == "start" else "end"
            lane = Lane("", 0, marker.track or marker.name, pid, marker.cookie)
            return Meaning(role, key, marker.name, lane, tgid=pid)
        case "counter":
            return Meaning("counter", key, marker.name, Lane("", 0, marker.name, pid), marker.value, pid)
        case "instant":
            lane_or_none = Lane("", 0, marker.track, pid) if marker.track else None
            return Meaning("instant", key, marker.name, lane_or_none, tgid=pid)


def _functions(places: Strings, event: str) -> list[str]:
    functions = [_FUNCTION.sub("", place or event) for place in places.values]
    return [functions[code] for code in places.codes.tolist()]


def _is_start(place: str) -> bool:
    """Return whether a probe is at its function's beginning.

    A few bytes, which mark the place as a branch target for the CPU, may come before it.
    """
    offset = _OFFSET.search(place)
    return not offset or int(offset[1], 16) <= 8
