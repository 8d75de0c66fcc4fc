"""Join the parts of whole paths, once for each distinct combination."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from ktrace.model.column import Column, Strings
from ktrace.model.path_parts import join_path, levels_of
from ktrace.ringbuffer.rows import Reader, Rows

_MOST = 1 << 16  # paths that are remembered


def path_reader(own: Reader, names: Sequence[str], parts: Sequence[Reader]) -> Reader:
    """Return a reader of whole paths.

    Args:
        own: reads the last name.
        names, parts: the names of the parts' arguments, and their readers.
    """
    levels = levels_of(names)

    @lru_cache(_MOST)
    def join(texts: tuple[str | None, ...]) -> str | None:
        return join_path(texts[0], list(zip(levels, texts[1:], strict=True)))

    def read(rows: Rows) -> Column:
        return _joined([own(rows), *(part(rows) for part in parts)], join)

    return read


def _joined(columns: Sequence[Column], join: Callable[[tuple[str | None, ...]], str | None]) -> Column:
    """Return the path of each row."""
    texts = [column for column in columns if isinstance(column, Strings)]
    assert len(texts) == len(columns)
    if not len(texts[0]):
        return texts[0]
    codes = np.stack([column.codes for column in texts], axis=1)
    rows, which = np.unique(codes, axis=0, return_inverse=True)
    values = [column.values for column in texts]
    paths = [
        join(tuple(known[code] for known, code in zip(values, row, strict=True))) for row in rows.tolist()
    ]
    return Strings(which.reshape(-1).astype(np.int32), tuple(paths))
