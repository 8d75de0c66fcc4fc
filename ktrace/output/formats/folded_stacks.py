"""Folded stacks: a line for each stack, `outermost;...;innermost COUNT`.

Flame graph programs read this format, and `sort`, `grep` and `awk` can work on it.
"""

from collections.abc import Iterator, Mapping

from ktrace.diagnostic import visible


def folded(stacks: Mapping[tuple[str, ...], int]) -> str:
    """Return the lines, sorted, each with a newline.

    Args:
        stacks: the count of each stack, which lists its functions from the outermost to the innermost.
    """
    return "".join(sorted(_lines(stacks)))


def _lines(stacks: Mapping[tuple[str, ...], int]) -> Iterator[str]:
    for frames, count in stacks.items():
        # A name with a semicolon (C++ has some) would be read as two functions.
        yield ";".join(visible(frame).replace(";", ":") for frame in frames) + f" {count}\n"
