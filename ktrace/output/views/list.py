"""`ktrace list`: probes as text and as JSON Lines."""

import json
from collections.abc import Iterator
from dataclasses import replace

from ktrace.diagnostic import visible
from ktrace.model.listing import TOP, Listing, ProbeRow
from ktrace.model.path_parts import parts_of
from ktrace.model.place import START, AddressPlace, SymbolPlace
from ktrace.model.probe import Probe
from ktrace.output.terminal.table import render_table

SCHEMA = 1
COLOURS = (
    (r"^(\S+ +(?:on|off) +[\d-]+ +)([1-9]\d*)(?= )", "33"),  # missed hits
    (r"^(\S+ +)(on)(?= )", "32"),
    (r"^(\S+ +)(off)(?= )", "2"),
    (r"^()(EVENT +STATE +HITS +MISSED +DEFINITION)$", "1"),
)
"""Paint the table of `listing_text`."""


def listing_text(listing: Listing, width: int | None = None) -> str:
    """Return the lines of debugfs kprobes/list, then a table of the events."""
    parts = []
    if listing.debugfs:
        parts.append("".join(visible(line) + "\n" for line in listing.debugfs.splitlines()))
    rows = [_event_row(row) for row in listing.probes]
    rows += [
        ["-", "-", "-", "-", f"{line.where}  (no event: registered by a module or another tool)"]
        for line, event in listing.registered
        if event is None
    ]
    rows += [[event.event, "-", "-", "-", event.fields] for event in listing.synthetic]
    if rows:
        header = ("EVENT", "STATE", "HITS", "MISSED", "DEFINITION")
        parts.append(render_table(header, rows, right=(2, 3), width=width))
    return "\n".join(parts)


def listing_json(listing: Listing) -> Iterator[str]:
    """Yield one record a line: `kprobe` for a line of kprobes/list, `probe` or `synthetic` for an event."""
    for line, event in listing.registered:
        yield _dump(
            {
                "type": "kprobe",
                "address": f"0x{line.address:016x}",
                "kind": line.type,
                "symbol": line.symbol,
                "offset": line.offset,
                "module": line.module,
                "flags": list(line.flags),
                "event": event,
            }
        )
    for row in listing.probes:
        yield probe_json(
            row.probe,
            enabled=bool(row.enabled_in),
            enabled_in=list(row.enabled_in),
            triggers=list(row.triggers),
            hits=row.hits,
            missed=row.missed,
            pending=row.pending,
            address=f"0x{row.registered.address:016x}" if row.registered else None,
            flags=list(row.registered.flags) if row.registered else [],
        )
    for made in listing.synthetic:
        yield _dump({"type": "synthetic", "event": made.event, "fields": made.fields})
    for text in listing.odd:
        yield _dump({"type": "unparsed", "line": text})


def probe_json(probe: Probe, **state: object) -> str:
    """Return a `probe` record: the definition, and whatever else is known of the probe."""
    return _dump(
        {
            "type": "probe",
            "event": probe.event,
            "group": probe.group,
            "name": probe.name,
            "kind": probe.kind,
            "return": probe.is_return,
            "place": probe.place.to_text(),
            "maxactive": probe.maxactive,
            "args": [{"name": a.name, "expr": a.expr, "type": a.type} for a in probe.args],
            "definition": probe.to_line(),
            **({"hashed": True} if isinstance(probe.place, AddressPlace) and probe.place.hashed else {}),
            **state,
        }
    )


def _dump(record: dict[str, object]) -> str:
    return json.dumps({"schema": SCHEMA, **record})


def _definition(probe: Probe) -> str:
    """Return the place and the arguments, without those that only hold parts of a whole path."""
    parts = {part for one in parts_of(arg.name or "" for arg in probe.args).values() for part in one}
    shown = replace(probe, args=tuple(arg for arg in probe.args if arg.name not in parts))
    note = f" [whole path: {len(parts)} more arguments]" if parts else ""
    return shown.to_line().split(" ", 1)[1] + note


def _event_row(row: ProbeRow) -> list[str]:
    probe = row.probe
    words = [_definition(probe)]
    if row.registered and isinstance(probe.place, SymbolPlace) and probe.place.symbol == START:
        words.append(f"({row.registered.where})")
    if isinstance(probe.place, AddressPlace):
        at = f"({row.registered.where})" if row.registered else ""
        words.append("(a hash: its address is not known)" if probe.place.hashed and not at else at)
    words += [f"[in {name}]" for name in row.enabled_in if name != TOP]
    words += [f"[{trigger}]" for trigger in row.triggers]
    if row.pending and isinstance(probe.place, SymbolPlace):
        words.append(f"[waits for module {probe.place.module}]")
    if probe.is_return:
        words[0] += " (return)"
    return [
        probe.event,
        "on" if row.enabled_in else "off",
        "-" if row.hits is None else str(row.hits),
        "-" if row.missed is None else str(row.missed),
        " ".join(words),
    ]
