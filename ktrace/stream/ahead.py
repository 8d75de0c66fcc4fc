"""Finding the records of the next pages while the last ones are being used.

That takes nearly half of what decoding takes, and it is NumPy, which does not hold up Python.
"""

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor

from ktrace.ringbuffer.records import Records, Walked

THREADS = min(os.cpu_count() or 1, 4)


def ahead(
    pool: Executor, read: Callable[[int], bytes], walk: Callable[[bytes], Records]
) -> Callable[[int], Walked | None]:
    """A reader that is one piece ahead, of one CPU.

    Args:
        read: gives the next pages; empty at the end.
        walk: finds their records. Called for one piece after the other.

    Returns:
        What gives the next piece; None at the end. What `read` raises, it raises.
    """
    waiting: Future[Walked | None] | None = None

    def job(size: int) -> Walked | None:
        pages = read(size)
        return Walked(walk(pages)) if pages else None

    def give(size: int) -> Walked | None:
        nonlocal waiting
        found = (waiting or pool.submit(job, size)).result()
        waiting = pool.submit(job, size) if found is not None else None
        return found

    return give


def new_pool() -> ThreadPoolExecutor:
    """Threads for `ahead`."""
    return ThreadPoolExecutor(THREADS, "pages")
