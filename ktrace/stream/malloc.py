"""Control what the C library does with freed memory of arrays.

By default, it returns each block above a few hundred KiB to the kernel, which provides the next one page by
page, with a page fault and zeroing for each. Work on columns allocates and frees such blocks all the time,
and takes a fifth longer because of this. Keeping the blocks does not change the peak memory.
"""

import ctypes
from functools import cache

# malloc.h: M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD
_TRIM, _TOP_PAD, _MMAP = -1, -2, -3
_KEEP = 1 << 28
_STEP = 1 << 23


@cache
def keep_freed() -> bool:
    """Keep freed blocks for the next arrays. Returns False if the C library does not support that."""
    try:
        tell = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(tell(_MMAP, _KEEP)) and bool(tell(_TRIM, _KEEP)) and bool(tell(_TOP_PAD, _STEP))


def give_back() -> bool:
    """Return freed blocks to the kernel, when work on columns is over and other work needs memory.

    Returns:
        False if there was none, or if the C library does not support it.
    """
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (OSError, AttributeError):
        return False
