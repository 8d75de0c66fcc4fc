"""Temporary files of a running command, for an exit that skips cleanup.

`os._exit` does not run `finally` blocks: its caller must call `remove_passing` first.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_removals: list[Callable[[], object]] = []


@contextmanager
def passing(remove: Callable[[], object]) -> Iterator[None]:
    """Register `remove` for `remove_passing` while the block runs. Another thread may call that."""
    _removals.append(remove)
    try:
        yield
    finally:
        _removals.remove(remove)


def remove_passing() -> None:
    """Remove all registered temporary files."""
    for remove in reversed(list(_removals)):
        with suppress(OSError):
            remove()
