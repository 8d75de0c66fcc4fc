"""Read recordings from a user's own program: `ktrace.read` and `ktrace.sql`."""

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ktrace.errors import UsageError
from ktrace.model.batch import Batch
from ktrace.stream.inputs import open_source
from ktrace.stream.select import Choice, check_events, of_events
from ktrace.stream.sql import run_query
from ktrace.texts.kind import Kind

if TYPE_CHECKING:
    import polars as pl


def read(
    *paths: str | os.PathLike[str],
    events: Sequence[str] = (),
    recover: bool = False,
    ordered: bool = True,
    format: str | None = None,
    formats: str | os.PathLike[str] | None = None,
) -> Iterator[Batch]:
    """Yield the records of trace.dat files, or of texts, in batches of one event; merge files by time.

    for batch in ktrace.read("trace.dat", events=["sched:*"]):
        print(batch.event, len(batch))

    Batches come in order of time, but overlap: to put the records of several batches in order, sort by
    `seq`. The files are opened when the loop begins, and memory does not grow with them.

    Args:
        paths: one or more files of `ktrace record` or trace-cmd.
        events: only these events, `NAME` or `SYSTEM:NAME`, with wildcards; empty for all.
        recover: read what is readable in truncated files.
        ordered: False if the order of records does not matter: faster, CPU after CPU. Each batch is still in
            order of time, but `seq` starts again.
        format: the kind of texts, such as `perf-script`, if it should not be found out; see
            docs/commands/parse.md.
        formats: a folder with the formats of the events in texts, such as a copy of
            `/sys/kernel/tracing/events`.

    Raises:
        UsageError: no file is given, or `format` is not a kind of text.
        NotFound: a file does not exist, or the recording has no event of that name.
        Damaged: a file cannot be decoded, or is cut off and `recover` is False.
        Unavailable: a file is compressed in a way that needs a library which is not installed.
    """
    if not paths:
        raise UsageError("read needs at least one file", hint='ktrace.read("trace.dat")')
    choice = Choice([of_events(events)] if events else [])
    names = [os.fspath(path) for path in paths]
    with open_source(names, recover=recover, kind=_kind(format), formats=_folder(formats)) as recording:
        check_events(events, recording.formats())
        for chunk in recording.chunks(ordered=ordered):
            yield from choice(chunk).batches


def _kind(name: str | None) -> Kind | None:
    try:
        return None if name is None else Kind(name)
    except ValueError:
        raise UsageError(f"'{name}' is not a kind of text", hint=f"one of {', '.join(Kind)}") from None


def _folder(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else os.fspath(path)


def sql(
    path: str | os.PathLike[str],
    query: str,
    *,
    confined: bool = True,
    format: str | None = None,
    formats: str | os.PathLike[str] | None = None,
) -> "pl.DataFrame":
    """Return the result of a query over a trace.dat file, or a text; docs/commands/sql.md lists the tables.

    frame = ktrace.sql("trace.dat", "select comm, count(*) as n from vfs_read group by comm")

    Args:
        path: a file of `ktrace record` or trace-cmd.
        query: a SELECT, in the dialect of Polars.
        confined: refuse a query that reads anything but these tables. Use False only for your own queries.
        format, formats: as for `read`.

    Raises:
        UsageError: the query has a syntax error, or reads something else.
        Unavailable: Polars is not installed.
        NotFound: the file does not exist.
        Damaged: the file cannot be decoded.
    """
    with open_source([os.fspath(path)], kind=_kind(format), formats=_folder(formats)) as recording:
        return run_query(recording, query, confined=confined).collect(engine="streaming")
