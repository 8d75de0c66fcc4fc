"""Reading the next pages, and some of the work on them, while the last ones are being used.

To find their records takes nearly half of what decoding takes, and it is NumPy, which does not hold up
Python.
"""

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

THREADS = min(os.cpu_count() or 1, 4)


def ahead(
    pool: Executor, read: Callable[[int], bytes], make: Callable[[bytes], T]
) -> Callable[[int], T | None]:
    """A reader that is one piece ahead, of one CPU.

    Args:
        read: gives the next pages; empty at the end.
        make: what is made of them. Called for one piece after the other.

    Returns:
        What gives the next piece; None at the end. What `read` raises, it raises.
    """
    waiting: Future[T | None] | None = None

    def job(size: int) -> T | None:
        pages = read(size)
        return make(pages) if pages else None

    def give(size: int) -> T | None:
        nonlocal waiting
        found = (waiting or pool.submit(job, size)).result()
        waiting = pool.submit(job, size) if found is not None else None
        return found

    return give


def new_pool() -> ThreadPoolExecutor:
    """Threads for `ahead`."""
    return ThreadPoolExecutor(THREADS, "pages")
