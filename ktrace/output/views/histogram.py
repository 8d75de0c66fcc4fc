"""Draw a distribution: a line with a bar for each range of values."""

from collections.abc import Callable, Iterable

from ktrace.diagnostic import visible
from ktrace.model.tally import Key, Range, Row, Tally
from ktrace.output.views.count import key_text, range_text

_BAR = 40
_EIGHTHS = " ▏▎▍▌▋▊▉█"
COLOURS = ((r"(  \|)([█▏▎▍▌▋▊▉]+|#+)(?= *\|$)", "36"), (r"^()( *[^ |]+  HITS\b.*)$", "1"))
"""Paint the bars of a histogram, and its first line."""


def histogram_text(
    tally: Tally,
    *,
    unit: Callable[[int], str] | None = None,
    ascii_only: bool = False,
    fill: bool = True,
) -> str:
    """Return a drawing of the last key's values for each combination of the keys before it.

    Args:
        unit: formats a number; None prints it as it is.
        ascii_only: draw bars of `#`.
        fill: also show empty powers of two that lie between others.
    """
    drawings = []
    for group, rows in _groups(tally).items():
        drawing = ""
        if group:
            names = zip(tally.names, group, strict=False)
            drawing = ", ".join(f"{visible(n)} {visible(key_text(k))}" for n, k in names) + "\n"
        drawings.append(drawing + _draw(rows, tally, unit, ascii_only, fill))
    return "\n".join(drawings)


def _groups(tally: Tally) -> dict[tuple[Key, ...], list[Row]]:
    groups: dict[tuple[Key, ...], list[Row]] = {}
    numbers = any(isinstance(row.key[-1], Range) for row in tally.rows)
    for row in tally.by_key() if numbers else tally.largest_first():
        groups.setdefault(row.key[:-1], []).append(row)
    return dict(sorted(groups.items(), key=lambda item: -sum(row.count for row in item[1])))


def _draw(
    rows: list[Row], tally: Tally, unit: Callable[[int], str] | None, ascii_only: bool, fill: bool
) -> str:
    if fill:
        rows = list(_filled(rows))
    labels = ["" if isinstance(row.key[-1], tuple) else _label(row.key[-1], unit) for row in rows]
    name = visible(tally.names[-1]).upper()
    sums = [f"SUM({visible(n)})" for n in tally.summed]
    table = [[name, "HITS", *sums]]
    table += [[label, str(row.count), *map(str, row.sums)] for label, row in zip(labels, rows, strict=True)]
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    most = max((row.count for row in rows), default=0)
    lines = ["  ".join(cell.rjust(w) for cell, w in zip(table[0], widths, strict=True))]
    for cells, row in zip(table[1:], rows, strict=True):
        bar = _bar(row.count, most, ascii_only)
        lines.append("  ".join(cell.rjust(w) for cell, w in zip(cells, widths, strict=True)) + f"  |{bar}|")
        if isinstance(row.key[-1], tuple):
            lines += [f"    {visible(frame)}" for frame in row.key[-1]]
    return "\n".join(lines) + "\n"


def _filled(rows: list[Row]) -> Iterable[Row]:
    """Yield the rows, and rows of count 0 for the powers of two that are missing between them."""
    last: Range | None = None
    for row in rows:
        part = row.key[-1]
        if isinstance(part, Range) and part.low is not None and part.high is not None and _is_power(part):
            while last is not None and last.high is not None and last.high + 1 < part.low:
                last = Range(last.high + 1, last.high * 2)
                yield Row((*row.key[:-1], last), 0, (0,) * len(row.sums))
            last = part
        yield row


def _is_power(part: Range) -> bool:
    assert part.low is not None and part.high is not None
    return part == Range(0, 1) or (part.low > 0 and part.high == 2 * (part.low - 1)) or part == Range(2, 2)


def _label(part: Key, unit: Callable[[int], str] | None) -> str:
    if not isinstance(part, Range):
        return visible(key_text(part))
    if unit is None:
        return range_text(part.low, part.high)
    if part.low is None:
        return f"< {unit((part.high or 0) + 1)}"
    if part.high is None:
        return f">= {unit(part.low)}"
    return f"{unit(max(part.low - 1, 0) if _is_power(part) else part.low)} - {unit(part.high)}"


def _bar(count: int, most: int, ascii_only: bool) -> str:
    if ascii_only:
        return ("#" * (count * _BAR // most if most else 0)).ljust(_BAR)
    eighths = count * _BAR * 8 // most if most else 0
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(_BAR)


def nanoseconds(value: int) -> str:
    """Return a time for a person to read, with about three digits."""
    for size, name in ((10**9, "s"), (10**6, "ms"), (10**3, "us")):
        if value >= size:
            return f"{value / size:.3g} {name}" if value < 1000 * size else f"{value // size} {name}"
    return f"{value} ns"
