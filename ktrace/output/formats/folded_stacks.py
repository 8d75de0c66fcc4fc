"""Folded stacks: a line for each stack, `outermost;...;innermost COUNT`.

What flame graph programs read, and what `sort`, `grep` and `awk` can work on.
"""

from collections.abc import Iterator, Mapping

from ktrace.diagnostic import visible


def folded(stacks: Mapping[tuple[str, ...], int]) -> str:
    """The lines, sorted, each with a newline.

    Args:
        stacks: from the outermost function to the innermost: how often.
    """
    return "".join(sorted(_lines(stacks)))


def _lines(stacks: Mapping[tuple[str, ...], int]) -> Iterator[str]:
    for frames, count in stacks.items():
        # A semicolon within a name (C++ has some) would be read as two functions.
        yield ";".join(visible(frame).replace(";", ":") for frame in frames) + f" {count}\n"
