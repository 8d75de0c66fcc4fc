"""Read whole paths from records that hold their parts."""

from collections.abc import Sequence

from ktrace.model.column import Column, Strings
from ktrace.model.path_columns import join_columns, joiner
from ktrace.ringbuffer.rows import Reader, Rows


def path_reader(own: Reader, names: Sequence[str], parts: Sequence[Reader]) -> Reader:
    """Return a reader of whole paths.

    Args:
        own: reads the last name.
        names, parts: the names of the parts' arguments, and their readers.
    """
    join = joiner(names)

    def read(rows: Rows) -> Column:
        columns = [one(rows) for one in (own, *parts)]
        return join_columns([column for column in columns if isinstance(column, Strings)], join)

    return read
