"""Counts as a table and as JSON Lines."""

import json
from collections.abc import Iterable, Iterator

from ktrace.model.outcome import Outcome
from ktrace.model.tally import Key, Named, Range, Row, Symbol, Syscall, Tally, Task
from ktrace.output.terminal.table import render_table
from ktrace.output.views.summary import shortcomings

SCHEMA = 1


def tally_text(tally: Tally, *, width: int | None = None, height: int | None = None) -> str:
    """Return a table, the largest count first.

    Args:
        height: the most lines to return; the last one tells how many rows are left out.
    """
    rows = tally.largest_first()
    room = len(rows) if height is None else max(height - 2, 1)
    if len(rows) <= room + 1:
        room = len(rows)
    header = ["HITS", *(f"SUM({name})" for name in tally.summed), *map(str.upper, tally.names)]
    cells = [
        [str(row.count), *map(str, row.sums), *(key_text(part) for part in row.key)] for row in rows[:room]
    ]
    numbers = range(1 + len(tally.summed))
    text = render_table(header, cells, right=numbers, width=width)
    if room < len(rows):
        text += f"... and {len(rows) - room} more\n"
    return text


def key_text(part: Key) -> str:
    """Return one part of a key for a person to read."""
    match part:
        case Range(low, high):
            return range_text(low, high)
        case Symbol(_, name) | Syscall(_, name) | Named(_, name):
            return name
        case Task(pid, comm):
            return f"{comm} ({pid})"
        case tuple():
            return " < ".join(part)
        case _:
            return str(part)


def range_text(low: int | None, high: int | None) -> str:
    """Return a range as `3 - 4`, `4`, `< 5` or `>= 6`."""
    if low is None:
        return f"< {high + 1}" if high is not None else "all"
    if high is None:
        return f">= {low}"
    return str(low) if low == high else f"{low} - {high}"


def tally_records(tally: Tally, rows: Iterable[Row] | None = None) -> Iterator[str]:
    """Yield a line of JSON for each row, the largest count first unless `rows` is given."""
    for row in tally.largest_first() if rows is None else rows:
        record: dict[str, object] = {
            "schema": SCHEMA,
            "type": "row",
            "key": _key_record(tally.names, row.key),
            "count": row.count,
        }
        if tally.summed:
            record["sums"] = dict(zip(tally.summed, row.sums, strict=True))
        yield json.dumps(record, separators=(",", ":"))


def answer_record(tally: Tally, method: str, outcome: Outcome) -> str:
    """Return the line of JSON that follows the rows.

    Args:
        method: how hits were counted.
    """
    record: dict[str, object] = {
        "schema": SCHEMA,
        "type": "answer",
        "method": method,
        "hits": tally.count,
        "rows": len(tally.rows),
        "dropped": tally.dropped,
        "missed": outcome.missed,
        "lost": outcome.lost,
        "duration_ns": round(outcome.seconds * 1e9),
    }
    if outcome.unread:
        record["unread"] = outcome.unread
    if outcome.untimed is not None:
        record["untimed"] = outcome.untimed
    if outcome.muted:
        record["muted"] = [one.to_json() for one in outcome.muted]
    return json.dumps(record, separators=(",", ":"))


def answer_text(tally: Tally, method: str, outcome: Outcome) -> str:
    """Return the facts of `answer_record` as a line for stderr."""
    parts = [f"{tally.count} hits in {outcome.seconds:.2f} s, counted by {method}"]
    parts.append(f"{tally.dropped} dropped: the table was full (--size)" if tally.dropped else "none dropped")
    if outcome.lost:
        parts.append(f"{outcome.lost} lost: the buffer ran over")
    return ", ".join([*parts, *shortcomings(outcome)])


def _key_record(names: Iterable[str], key: Iterable[Key]) -> dict[str, object]:
    record: dict[str, object] = {}
    for name, part in zip(names, key, strict=True):
        record[name] = _key_json(part)
        if isinstance(part, Named):
            record[f"{name}_text"] = part.text
    return record


def _key_json(part: Key) -> object:
    match part:
        case Range(low, high):
            return {"low": low, "high": high}
        case Symbol(_, name) | Syscall(_, name):
            return name
        case Named(number, _, is_range):
            return {"low": number, "high": number} if is_range else number
        case Task(pid, comm):
            return {"pid": pid, "comm": comm}
        case tuple():
            return list(part)
        case _:
            return part
