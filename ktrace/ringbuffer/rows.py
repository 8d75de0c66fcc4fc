"""Records of one event, gathered, and what reads a column of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ktrace.model.column import Column
from ktrace.records import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Records of one event.

    Attributes:
        buffer: uint8, shape (bytes,).
        start: int64: the offset of each record in bytes.
        size: int32: the size of each record in bytes, including the padding after it.
        table: the records as a structured array, with a field for each number.
    """

    buffer: NDArray[np.uint8]
    start: NDArray[np.int64]
    size: NDArray[np.int32]
    table: NDArray[np.void]

    def __len__(self) -> int:
        return len(self.start)


Reader = Callable[[Rows], Column]
