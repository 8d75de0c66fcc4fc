"""Speculative output: text that is kept under a number, and is printed or dropped later."""

from collections.abc import Callable, Mapping
from typing import Any

from ktrace.script.language.faults import Fault
from ktrace.script.runtime.state import State

KEPT_MAX = 1 << 26
"""The most bytes of text that wait to be printed or dropped."""


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name."""
    kept: dict[int, list[str]] = {}
    last = size = 0

    def speculation() -> int:
        nonlocal last
        last += 1
        return last

    def speculate(number: int, text: str) -> int:
        nonlocal size
        size += len(text)
        if size > KEPT_MAX:
            raise Fault("speculate(): more than 64 MiB of text wait for commit() or discard()")
        kept.setdefault(number, []).append(text)
        return 0

    def discard(number: int) -> int:
        nonlocal size
        size -= sum(map(len, kept.pop(number, ())))
        return 0

    def commit(number: int) -> int:
        state.out.extend(map(state.shown, kept.get(number, ())))
        return discard(number)

    return {"speculation": speculation, "speculate": speculate, "commit": commit, "discard": discard}
