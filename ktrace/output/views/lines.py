"""`ktrace lines`: the lines of a function or a file as text and as a JSON record."""

from collections.abc import Sequence

from ktrace.diagnostic import visible
from ktrace.model.debuginfo import CodeLine, FileLines, FunctionLines, Spot

_PLACES = 3  # named next to a line; --json has all


def lines_text(found: FunctionLines | FileLines, source: Sequence[str] | None, first: int, last: int) -> str:
    """Return a heading and the lines from `first` to `last`; `*` marks those that can be probed.

    Args:
        source: the lines of the source file, or None if it was not found. In that case only lines with
            code are shown, with their places.
    """
    start = found.declared if isinstance(found, FunctionLines) else 0
    name = f"{found.function}  " if isinstance(found, FunctionLines) else ""
    where = f"{found.file}:{start}" if start else found.file
    rows = [visible(f"{name}{where}")]
    code = {one.line: one for one in found.lines}
    for line in range(first, last + 1):
        one = code.get(line)
        number = f"{line - start:>7} {'*' if one else ' '} "
        if source is not None and line <= len(source):
            rows.append((number + visible(source[line - 1].expandtabs())).rstrip())
        elif one is not None:
            rows.append(visible(number + _places(one.spots)))
    return "\n".join(rows) + "\n"


def lines_record(
    found: FunctionLines | FileLines, source: Sequence[str] | None, first: int, last: int
) -> dict[str, object]:
    """Return the lines that have code as a record of the JSON schema."""
    function = found if isinstance(found, FunctionLines) else None
    return {
        "schema": 1,
        "type": "lines",
        "function": function.function if function else None,
        "place": function.spot.place.to_text() if function and function.spot else None,
        "file": found.file,
        "directory": found.directory,
        "declared": function.declared if function else None,
        "lines": [
            {
                "line": one.line,
                "n": one.line - function.declared if function else None,
                "text": source[one.line - 1] if source and one.line <= len(source) else None,
                "places": [spot_record(spot) for spot in one.spots],
            }
            for one in found.lines
            if first <= one.line <= last
        ],
    }


def spot_record(spot: Spot) -> dict[str, object]:
    """Return an instruction's place; `nth` and `copies` distinguish functions of the same name."""
    return {
        "place": spot.place.to_text(),
        "symbol": spot.place.symbol,
        "offset": spot.place.offset,
        "module": spot.place.module,
        "nth": spot.nth,
        "copies": spot.copies,
    }


def line_span(lines: Sequence[CodeLine], declared: int) -> tuple[int, int]:
    """Return the first and last line of a function to show."""
    return declared, max((one.line for one in lines), default=declared)


def _places(spots: Sequence[Spot]) -> str:
    names = " ".join(spot.place.to_text() for spot in spots[:_PLACES])
    more = len(spots) - _PLACES
    return f"{names} and {more} more" if more > 0 else names
