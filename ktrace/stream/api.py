"""Recordings for a program of the user's own: `ktrace.read` and `ktrace.sql`."""

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
    """The records of trace.dat files, several merged by time, a batch of one event at a time.

    Batches come in order of time, but overlap: to put the records of several in one order, sort by `seq`.

    Args:
        events: only events called so, `NAME` or `SYSTEM:NAME`, with wildcards; empty for all.
        recover: take what can be read of files that have been cut off.
        ordered: False where it does not matter which record comes when: faster, CPU after CPU. Each
            batch is in order of time still, but `seq` counts anew.

    Raises:
        NotFound: there is no such file, or no event of the recording is called so.
        Damaged, Unavailable: as `ktrace report` does.
    """
    choice = Choice([of_events(events)] if events else [])
    with Recording(paths, recover=recover) as recording:
        check_events(events, recording.formats())
        for chunk in recording.chunks(ordered=ordered):
            yield from choice(chunk).batches


def sql(path: str, query: str, *, confined: bool = True) -> "pl.DataFrame":
    """Return what a query over a trace.dat file answers; docs/commands/sql.md says which tables there are.

    Args:
        confined: refuse a query that reads anything but these tables; False only for a query of your own.

    Raises:
        UsageError: the query is not understood, or reads something else.
        Unavailable: Polars is not installed.
        NotFound, Damaged: as `ktrace report` does.
    """
    with Recording([path]) as recording:
        return run_query(recording, query, confined=confined).collect(engine="streaming")
