"""Show stacks with their counts as text, and prepare them for folded lines, flame graphs and profiles."""

from collections.abc import Iterator

from ktrace.diagnostic import visible
from ktrace.model.tally import Stack, Tally


def stacks_text(tally: Tally, *, height: int | None = None) -> str:
    """Return each stack below its count, the most frequent first.

    Args:
        height: the most lines to return; the last one tells how many stacks are left out.
    """
    lines: list[str] = []
    stacks = list(_stacks(tally))
    for number, (count, stack) in enumerate(stacks):
        more = [f"{count} hits", *(f"    {visible(frame)}" for frame in stack)]
        if height is not None and len(lines) + len(more) > height - (number + 1 < len(stacks)) and number:
            lines.append(f"... and {len(stacks) - number} more")
            break
        lines += more
    return "".join(line + "\n" for line in lines[:height])


def outermost_first(tally: Tally) -> dict[tuple[str, ...], int]:
    """Return the count of each stack, which lists its functions from the outermost to the innermost."""
    return {tuple(reversed(stack)): count for count, stack in _stacks(tally)}


def _stacks(tally: Tally) -> Iterator[tuple[int, Stack]]:
    for row in tally.largest_first():
        stack = row.key[-1]
        yield row.count, stack if isinstance(stack, tuple) else (str(stack),)
