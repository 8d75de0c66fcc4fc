"""Files that are there only while a command runs, for an end without a way out.

`os._exit` runs no `finally`: who calls it has them removed first.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_removals: list[Callable[[], object]] = []


@contextmanager
def passing(remove: Callable[[], object]) -> Iterator[None]:
    """Have `remove` called by `remove_passing` while the block runs. Another thread may do that."""
    _removals.append(remove)
    try:
        yield
    finally:
        _removals.remove(remove)


def remove_passing() -> None:
    """Remove all that would have gone by itself."""
    for remove in reversed(list(_removals)):
        with suppress(OSError):
            remove()
