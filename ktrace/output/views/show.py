"""`ktrace show`: one event as text and as a JSON record."""

from collections.abc import Iterable

from ktrace.diagnostic import visible
from ktrace.model.listing import Description
from ktrace.output.terminal.table import render_table

_STATES = {"0": "off", "1": "on", "0*": "off, used by a trigger", "1*": "on, with a trigger"}


def event_text(description: Description) -> str:
    """Return several lines: the event, its settings, and a table of its fields."""
    lines = [f"{description.event}"]
    for row in description.rows:
        lines.append(f"  definition  {row.probe.to_line()}")
        if row.registered:
            flags = "".join(f"[{flag}]" for flag in row.registered.flags)
            lines.append(f"  placed at   {row.registered.where} (0x{row.registered.address:016x}) {flags}")
        if row.hits is not None:
            missed = "" if row.missed is None else f", {row.missed} missed"
            lines.append(f"  hits        {row.hits}{missed}")
        instances = [name for name in row.enabled_in if name != "top"]
        if instances:
            lines.append(f"  also on in  {' '.join(instances)}")
    lines.append(f"  state       {_STATES.get(description.state, description.state)}")
    lines.append(f"  filter      {description.filter}")
    lines += [f"  trigger     {trigger}" for trigger in description.triggers]
    lines.append(f"  id          {description.format.id}")
    header = ("FIELD", "OFFSET", "SIZE", "TYPE")
    rows = [
        [f"  {f.name}", str(f.offset), str(f.size), f"{f.ctype}{_dimension(f.shape, f.count)}"]
        for f in description.format.fields
    ]
    text = "\n".join(visible(line).rstrip() for line in lines) + "\n"
    return text + render_table(("  " + header[0], *header[1:]), rows, right=(1, 2))


def event_record(description: Description) -> dict[str, object]:
    """Return the event as a record of the JSON schema."""
    return {
        "schema": 1,
        "type": "description",
        "event": description.event,
        "id": description.format.id,
        "state": description.state,
        "filter": None if description.filter == "none" else description.filter,
        "triggers": list(description.triggers),
        "definitions": [row.probe.to_line() for row in description.rows],
        "hits": _sum(row.hits for row in description.rows),
        "missed": _sum(row.missed for row in description.rows),
        "fields": [
            {
                "name": f.name,
                "type": f.ctype,
                "offset": f.offset,
                "size": f.size,
                "signed": f.signed,
                "shape": f.shape,
                "count": f.count,
            }
            for f in description.format.fields
        ],
        "print_fmt": description.format.print_fmt,
    }


def _sum(counts: Iterable[int | None]) -> int | None:
    """Return the sum of the counts that the kernel keeps.

    It is None, not 0, if the kernel keeps none of them.
    """
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _dimension(shape: str, count: int) -> str:
    return {"scalar": "", "array": f"[{count}]"}.get(shape, "[] (dynamic)")
