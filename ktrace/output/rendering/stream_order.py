"""Stream order: sort the records of several batches and the marks between them."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Chunk, Mark


def in_order(
    chunk: Chunk, lines_of: Callable[[Batch], Iterable[str]], line_of: Callable[[Mark], str]
) -> list[str]:
    """Return the text of everything in `chunk`, sorted by `seq`.

    Args:
        chunk: the records and marks.
        lines_of: returns a text for each record of a batch.
        line_of: returns the text of a mark.
    """
    texts: list[str] = []
    for batch in chunk.batches:
        texts.extend(lines_of(batch))
    texts.extend(map(line_of, chunk.marks))
    return [texts[i] for i in order_of(chunk).tolist()]


def order_of(chunk: Chunk) -> NDArray[np.int64]:
    """Return the indexes of records and marks in stream order.

    Records are numbered batch by batch, then come the marks.

    Returns:
        int64, shape (records and marks,).
    """
    keys = [batch.seq for batch in chunk.batches]
    keys.append(np.array([mark.seq for mark in chunk.marks], np.int64))
    return np.argsort(np.concatenate(keys), kind="stable")
