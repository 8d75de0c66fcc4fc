"""`ktrace sql`."""

from typing import Annotated

import typer

from ktrace.cli.recording_options import CSV_RAW, FORMAT, FORMATS, RECOVER, SINCE, UNTIL
from ktrace.texts.kind import Kind

_PROCESSES = 4  # processes that read at a time: more would read faster than the query counts


def sql(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A trace.dat file, or a text, compressed or not; - is stdin."),
    ],
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A SELECT; see below for the tables.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines: see docs/json.md.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV, with a header.")] = False,
    csv_raw: Annotated[bool, CSV_RAW] = False,
    since: Annotated[str | None, SINCE] = None,
    until: Annotated[str | None, UNTIL] = None,
    recover: Annotated[bool, RECOVER] = False,
    format_: Annotated[Kind | None, FORMAT] = None,
    formats: Annotated[str | None, FORMATS] = None,
) -> int:
    """Run an SQL query on a recording, or on a text that ktrace parse understands.

    Each event is a table with the event's name. Its columns are ts, cpu, pid, comm, flags and event, for
    probes also ip, or func and ret_ip, and then the fields. A field with the name of one of these is
    called arg_NAME. The table events has the columns of all records. The dialect is that of Polars,
    which must be installed: pip install 'ktrace[bulk]'.

    A query can only read these tables: functions that read files or URLs are refused. With --from and
    --to, only that part of the file is read.

    \b
    Examples:
      ktrace sql trace.dat 'select comm, count(*) n from vfs_read group by comm'
      ktrace sql trace.dat 'select event, count(*) n from events group by 1'
      ktrace sql trace.dat --csv 'select ts, n from vfs_read where n > 4096'
      ktrace sql trace.dat --from 12.5 --to 13 'select count(*) n from events'
      ktrace sql trace.txt 'select prev_comm, next_comm from sched_switch'
    """
    import os
    import sys
    from contextlib import ExitStack
    from functools import partial

    from ktrace.cli.interrupts import interruptible
    from ktrace.cli.progress import showing_progress
    from ktrace.diagnostic import note
    from ktrace.errors import UsageError
    from ktrace.output.formats.polars import write_csv, write_json, write_table
    from ktrace.storage.target import check_inputs
    from ktrace.stream.inputs import open_source
    from ktrace.stream.select import parse_time
    from ktrace.stream.sql import answers, heads_ahead, run_query
    from ktrace.tracedat.unfinished import files_of, place_of

    as_csv = as_csv or csv_raw
    if as_json and as_csv:
        raise UsageError("--json and --csv together: one at a time")
    written = partial(write_csv, raw=csv_raw)
    write = write_json if as_json else written if as_csv else write_table
    check_inputs([file, *files_of(place_of(file))])
    with ExitStack() as stack:
        stack.enter_context(interruptible(file))
        progress = stack.enter_context(showing_progress(before_output=True))
        recording = open_source(
            [file], recover=recover, watch=progress.opening, kind=format_, formats=formats
        )
        stack.enter_context(recording)
        times = (parse_time(t, ticks=recording.ticks) if t else None for t in (since, until))
        recording.since, recording.until = times
        processes = min(len(os.sched_getaffinity(0)) - 1, _PROCESSES)  # one is busy with loading Polars
        ahead = heads_ahead(recording, query, processes) if processes and not recover else None
        if ahead is not None:
            stack.callback(ahead.close)
        size = max(recording.size, 1)
        answer = run_query(
            recording, query, ahead, watch=lambda done: progress.read(min(done / size, 1), size)
        )
        write(sys.stdout.buffer, progress.until_output(answers(answer)))
        for remark in recording.notes:
            note(remark)
        for problem in recording.problems:
            note(problem.message)
        return recording.problems[0].exit_code if recording.problems else 0
