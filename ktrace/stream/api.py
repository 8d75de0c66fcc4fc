"""Read recordings from a user's own program: `ktrace.read` and `ktrace.sql`."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ktrace.model.batch import Batch
from ktrace.stream.recording import Recording
from ktrace.stream.select import Choice, check_events, of_events
from ktrace.stream.sql import run_query

if TYPE_CHECKING:
    import polars as pl


def read(
    *paths: str, events: Sequence[str] = (), recover: bool = False, ordered: bool = True
) -> Iterator[Batch]:
    """Yield the records of trace.dat files in batches of one event; merge several files by time.

    Batches come in order of time, but overlap: to put the records of several batches in order, sort by `seq`.

    Args:
        events: only these events, `NAME` or `SYSTEM:NAME`, with wildcards; empty for all.
        recover: read what is readable in truncated files.
        ordered: False if the order of records does not matter: faster, CPU after CPU. Each batch is still in
            order of time, but `seq` starts again.

    Raises:
        NotFound: a file does not exist, or the recording has no event of that name.
        Damaged, Unavailable: as in `ktrace report`.
    """
    choice = Choice([of_events(events)] if events else [])
    with Recording(paths, recover=recover) as recording:
        check_events(events, recording.formats())
        for chunk in recording.chunks(ordered=ordered):
            yield from choice(chunk).batches


def sql(path: str, query: str, *, confined: bool = True) -> "pl.DataFrame":
    """Return the result of a query over a trace.dat file; docs/commands/sql.md lists the tables.

    Args:
        confined: refuse a query that reads anything but these tables. Use False only for your own queries.

    Raises:
        UsageError: the query has a syntax error, or reads something else.
        Unavailable: Polars is not installed.
        NotFound, Damaged: as in `ktrace report`.
    """
    with Recording([path]) as recording:
        return run_query(recording, query, confined=confined).collect(engine="streaming")
