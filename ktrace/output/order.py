"""Stream order: the records of several batches and the marks between them, one after the other."""

from collections.abc import Callable, Iterable

import numpy as np

from ktrace.model.batch import Batch, Chunk, Mark


def in_order(
    chunk: Chunk, lines_of: Callable[[Batch], Iterable[str]], line_of: Callable[[Mark], str]
) -> list[str]:
    """Everything in `chunk` as text, sorted by `seq`.

    Args:
        chunk: what to spell.
        lines_of: gives a text for each record of a batch.
        line_of: gives the text of a mark.
    """
    texts: list[str] = []
    keys = []
    for batch in chunk.batches:
        texts.extend(lines_of(batch))
        keys.append(batch.seq)
    texts.extend(map(line_of, chunk.marks))
    keys.append(np.array([mark.seq for mark in chunk.marks], np.int64))
    order = np.argsort(np.concatenate(keys), kind="stable")
    return [texts[i] for i in order.tolist()]
