"""`thread_indent` and similar functions: indentation that follows calls and returns."""

from collections.abc import Callable, Mapping
from typing import Any

from ktrace.script.runtime.state import State

_DEEPEST = 400


def functions(_state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name."""
    threads: dict[int, int] = {}
    begun: dict[int, int] = {}

    def depth(key: int, change: int) -> int:
        """Return the indentation of this line. A return is indented like its call."""
        before = threads.get(key, 0)
        after = min(max(before + change, 0), _DEEPEST)
        if after:
            threads[key] = after
        else:
            threads.pop(key, None)
        return before if change > 0 else after

    def line(key: int, ts: int, change: int, who: str) -> str:
        if key not in threads:
            begun[key] = ts
        micros = (ts - begun.get(key, ts)) // 1000
        spaces = depth(key, change)
        return f"{micros:6d} {who}:{'':{spaces}}"

    return {
        "thread_indent": lambda comm, tid, ts, change: line(tid, ts, change, f"{comm}({tid})"),
        "thread_indent_depth": depth,
        "indent": lambda ts, change: line(-1, ts, change, ""),
        "indent_depth": lambda change: depth(-1, change),
    }
