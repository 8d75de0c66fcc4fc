"""`ktrace report`."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli.quantities import TimeForm
from ktrace.cli.quantities import count as count_of
from ktrace.cli.recording_options import CSV_RAW, FORMAT, FORMATS, RECOVER, SINCE, UNTIL
from ktrace.cli.run_options import CPU, QUIET, TIME
from ktrace.texts.kind import Kind

if TYPE_CHECKING:
    from ktrace.cli.exports import Export
    from ktrace.cli.progress import Progress
    from ktrace.model.meaning import Names
    from ktrace.stream.inputs import Source
    from ktrace.stream.select import Choice, Test

JOBS = min(len(os.sched_getaffinity(0)), 4)


def report(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="trace.dat files, or texts, compressed or not; - is standard input."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines: see docs/json.md.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV: a line for each event.")] = False,
    csv_raw: Annotated[bool, CSV_RAW] = False,
    parquet: Annotated[str | None, typer.Option(metavar="OUT", help="One table, as Parquet.")] = None,
    perfetto: Annotated[
        str | None, typer.Option(metavar="OUT", help="A timeline for ui.perfetto.dev.")
    ] = None,
    chrome: Annotated[
        str | None, typer.Option(metavar="OUT", help="A timeline for chrome://tracing.")
    ] = None,
    svg: Annotated[
        str | None,
        typer.Option(metavar="OUT", help="A flame graph of stacks or function graph calls."),
    ] = None,
    fold: Annotated[
        str | None, typer.Option(metavar="OUT", help="The same as folded stacks, for other programs.")
    ] = None,
    speedscope: Annotated[
        str | None, typer.Option(metavar="OUT", help="The same as a profile for speedscope.app.")
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(
            "-e", "--event", metavar="NAME", help="Only events with this name: sched:*; repeatable."
        ),
    ] = None,
    cpu: Annotated[str | None, CPU] = None,
    pids: Annotated[
        list[int] | None, typer.Option("-p", "--pid", metavar="PID", help="Only this thread; repeatable.")
    ] = None,
    since: Annotated[str | None, SINCE] = None,
    until: Annotated[str | None, UNTIL] = None,
    filter_: Annotated[
        str | None,
        typer.Option(
            "--filter", metavar="EXPR", help="Only events that pass this filter, such as 'count > 4096'."
        ),
    ] = None,
    recover: Annotated[bool, RECOVER] = False,
    time_form: Annotated[TimeForm | None, TIME] = None,
    format_: Annotated[Kind | None, FORMAT] = None,
    formats: Annotated[str | None, FORMATS] = None,
    jobs: Annotated[
        int,
        typer.Option(
            "-j",
            "--jobs",
            parser=count_of(),
            metavar="N",
            help="Processes that make lines; one a CPU, up to 4.",
        ),
    ] = JOBS,
    quiet: Annotated[bool, QUIET] = False,
) -> int:
    """Show recordings by ktrace or trace-cmd, as the kernel's text or in formats for other programs.

    It reads versions 6 and 7, compressed or not, also as .gz, .xz, .bz2 or .zst and from a pipe. Several
    files, such as those of a host and its guest, are merged by time. Lost events are shown where they are
    missing, and counted at the end. A text that ktrace parse understands is read like a recording.

    \b
    Examples:
      ktrace report trace.dat
      ktrace report trace.dat --json --event vfs_read | jq .args.count
      ktrace report trace.dat --from 12.5 --to 13 --cpu 0 --pid 1234
      ktrace report host.dat guest.dat --perfetto both.pftrace
      ktrace report --recover trace.dat
      ktrace report trace.dat.zst --csv --event sched_switch
      ktrace report trace.txt --perfetto trace.pftrace
      perf script | ktrace report - --svg flames.svg
    """
    from functools import partial

    from ktrace.cli.exports import export_in_parts, open_export, stdout_format
    from ktrace.cli.interrupts import interruptible
    from ktrace.cli.progress import showing_progress
    from ktrace.session.tasks import parse_cpus
    from ktrace.storage.target import check_inputs
    from ktrace.stream.inputs import open_source
    from ktrace.stream.occurring import occurring_fields
    from ktrace.stream.recording import Recording
    from ktrace.stream.select import Choice, check_cpus, check_events, parse_time
    from ktrace.tracedat.unfinished import files_of, place_of

    cpus = parse_cpus(cpu) if cpu else ()
    inputs = [name for file in files for name in (file, *files_of(place_of(file)))]
    check_inputs(inputs)
    with (
        interruptible(", ".join(files)),
        showing_progress() as progress,
        open_source(
            files, recover=recover, cpus=cpus, watch=progress.opening, kind=format_, formats=formats
        ) as recording,
    ):
        begin, end = (parse_time(t, ticks=recording.ticks) if t else None for t in (since, until))
        recording.since, recording.until = begin, end
        check_events(events or (), recording.formats())
        check_cpus(cpus, recording.cpus)
        tests = _tests(recording, events or (), pids or (), filter_, (begin, end))
        name = stdout_format(as_json=as_json, as_csv=as_csv, csv_raw=csv_raw)
        outputs = {"parquet": parquet, "perfetto": perfetto, "chrome": chrome, "svg": svg, "fold": fold,
                   "speedscope": speedscope}  # fmt: skip
        fields = partial(occurring_fields, recording, events or (), end)
        done = None
        some = (
            time_form is not None
            or tests
            or cpus
            or recover
            or any(path is not None for path in outputs.values())
        )
        if not some and isinstance(recording, Recording):
            done = export_in_parts(
                recording, name, fields, jobs=jobs, watch=progress.read if progress.is_on else None
            )
        if done is None:
            opened = partial(open_export, outputs, name, recording=recording, fields=fields, inputs=inputs)
            with opened(time_form=time_form) as sink:
                done = _run(recording, Choice(tests, cpus, end), sink, progress)
        progress.clear()
        return _finish(recording, *done, quiet=quiet)


def _tests(
    recording: "Source",
    events: Sequence[str],
    pids: Sequence[int],
    filter_: str | None,
    times: tuple[int | None, int | None],
) -> "list[Test]":
    """Return the tests that a record must pass to be written."""
    from ktrace.stream.select import of_events, of_tasks, of_times

    tests = [of_events(events)] if events else []
    if pids:
        tests.append(of_tasks(pids))
    if filter_:
        from ktrace.model.filter_values import translate_filter
        from ktrace.stream.filter import Filter

        values = _all_values(recording)
        chosen = Filter(translate_filter(filter_, values, with_texts=True), values)
        chosen.check(recording.fields())
        tests.append(chosen.mask)
    if times != (None, None):
        tests.append(of_times(*times))
    return tests


def _all_values(recording: "Source") -> "Mapping[str, Names]":
    """Return how the values of fields read, of all events; not where events differ."""
    from ktrace.model.meaning import merged
    from ktrace.stream.saved_values import values_of

    values = values_of(recording, in_filters=True)
    return merged({"": names} for names in values.values()).get("", {})


def _run(recording: "Source", choice: "Choice", sink: "Export", progress: "Progress") -> tuple[int, int]:
    """Write the selected records; return how many events there were, and how many were lost between them."""
    from ktrace.model.batch import Lost

    count = lost = 0
    for chunk in recording.chunks():
        if choice.is_over(chunk):
            break
        wanted = choice(chunk)
        count += len(wanted)
        lost += sum(mark.count or 0 for mark in wanted.marks if isinstance(mark, Lost))
        sink.write(wanted)
        progress.read(min(recording.done / max(recording.size, 1), 1), recording.size)
    return count, lost


def _finish(recording: "Source", count: int, lost: int, *, quiet: bool) -> int:
    """Write what follows the records: texts of the kernel, notes, the summary; return the exit status."""
    from ktrace.diagnostic import note

    for text in recording.texts():
        sys.stdout.buffer.write(text)
    for remark in recording.notes:
        note(remark)
    for problem in recording.problems:
        note(problem.message)
    if not quiet:
        print(f"ktrace: {count} events, {f'{lost} lost' if lost else 'none lost'}", file=sys.stderr)
    return recording.problems[0].exit_code if recording.problems else 0
