"""What the C library does with memory that arrays have used.

Above some hundred KiB it gives each block back to the kernel, which hands out the next one page by page,
each cleared, at a fault a page. Work on columns makes and drops such blocks all the time: without this it
takes a fifth longer. How much memory is needed at most stays the same.
"""

import ctypes
from functools import cache

# malloc.h: M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD
_TRIM, _TOP_PAD, _MMAP = -1, -2, -3
_KEEP = 1 << 28
_STEP = 1 << 23


@cache
def keep_freed() -> bool:
    """Keep freed blocks for the next arrays; False where the C library cannot be told."""
    try:
        tell = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(tell(_MMAP, _KEEP)) and bool(tell(_TRIM, _KEEP)) and bool(tell(_TOP_PAD, _STEP))


def give_back() -> bool:
    """Give freed blocks back to the kernel, once work on columns is over and other work needs memory.

    Returns:
        False where there was none, or where the C library cannot be told.
    """
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (OSError, AttributeError):
        return False
