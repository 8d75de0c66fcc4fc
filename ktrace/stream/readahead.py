"""Read the next pages, and do part of the work on them, while the previous ones are in use.

Finding the records takes nearly half of the decoding time. It runs in NumPy, which releases Python's lock.
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
    """Return a reader for one CPU that is one piece ahead.

    Args:
        read: returns the next pages; empty at the end.
        make: converts the pages. It is called for one piece after the other.

    Returns:
        A function that returns the next piece; None at the end. It raises what `read` raises.
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
    """Return a thread pool for `ahead`."""
    return ThreadPoolExecutor(THREADS, "pages")
