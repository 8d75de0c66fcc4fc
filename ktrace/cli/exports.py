"""Write a recording: text, JSON Lines and CSV to standard output, other formats to a file."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, Protocol, TextIO, TypeAlias, cast

if TYPE_CHECKING:
    from ktrace.cli.quantities import TimeForm
    from ktrace.model.batch import Chunk
    from ktrace.model.meaning import Names
    from ktrace.stream.inputs import Source
    from ktrace.stream.recording import Recording


Fields: TypeAlias = Mapping[str, Sequence[str]]
"""The names of fields, by event."""


class Export(Protocol):
    """A sink that is closed at the end."""

    def write(self, chunk: "Chunk", /) -> None:
        """Take a chunk."""

    def flush(self) -> None:
        """Write whatever is pending and flush it."""

    def close(self) -> None:
        """Write whatever is pending and the end of the output."""


def open_export(
    files: Mapping[str, str | None],
    name: str | None,
    *,
    recording: "Source",
    fields: Callable[[], Fields],
    inputs: Sequence[str] = (),
    time_form: "TimeForm | None" = None,
) -> AbstractContextManager[Export]:
    """Open the requested sink, by default text.

    Args:
        files: by format, the file to write to, or None.
        name: the format for standard output, as `stdout_format` returns it.
        recording: the recording to write.
        fields: returns the fields of the events that will be written, for the header of CSV.
        inputs: the input files.
        time_form: the value of `--time`, for text.

    Raises:
        UsageError: several formats were asked for, or the file is one of the inputs.
    """
    from ktrace.errors import UsageError

    wanted = [f"--{name}" for name, path in files.items() if path is not None]
    wanted += [f"--{name}"] if name is not None else []
    if len(wanted) > 1:
        raise UsageError(f"{' and '.join(wanted)} together: one at a time")
    if wanted and time_form is not None:
        raise UsageError(f"--time is for text: {wanted[0]} has times as numbers")
    for kind, path in files.items():
        if path is not None:
            return _parquet(path, inputs) if kind == "parquet" else _file(kind, path, inputs)
    if name is None and time_form is not None:
        return _retimed(recording, time_form)
    return _standard_output(name, recording, _columns(name, fields))


def _columns(name: str | None, fields: Callable[[], Fields]) -> Fields:
    """Return the fields if the format has a header: finding them takes time."""
    return fields() if name in ("csv", "csv-raw") else {}


def stdout_format(*, as_json: bool, as_csv: bool, csv_raw: bool) -> str | None:
    """Return the option's name of the requested format, or None for text.

    With `--csv --csv-raw`, the second counts. Raises UsageError for JSON together with CSV.
    """
    from ktrace.errors import UsageError

    if as_json and (as_csv or csv_raw):
        raise UsageError("--json and --csv together: one at a time")
    return "json" if as_json else "csv-raw" if csv_raw else "csv" if as_csv else None


def export_in_parts(
    recording: "Recording",
    name: str | None,
    fields: Callable[[], Fields],
    *,
    jobs: int,
    watch: Callable[[float, int], None] | None = None,
) -> tuple[int, int] | None:
    """Write a whole recording to standard output, using several processes.

    Args:
        name: the format, as `stdout_format` returns it.
        fields: as in `open_export`.
        jobs: the maximum number of processes.
        watch: told which fraction of how many bytes of pages has been written.

    Returns:
        The number of events, and how many were lost between them. None, with nothing written, if the
        recording cannot be split, `jobs` is below 2, or standard output is not suitable.
    """
    from ktrace.model.batch import Chunk, Lost
    from ktrace.stream.time_ranges import Part, Parts
    from ktrace.stream.workers import Out, in_turn

    if jobs < 2 or not _is_file(sys.stdout):
        return None
    parts = Parts(recording)
    jobs = min(jobs, len(parts.all) // 2)
    if jobs < 2:
        return None
    columns = _columns(name, fields)
    known = _known(name, recording)

    def work(part: Part, out: Out) -> tuple[int, Counter[int]]:
        count, told = 0, Counter[int]()
        sink = _sink(name, cast(BinaryIO, out), known, columns, first=False, bulk=False)
        for chunk in parts.chunks(part):
            count += len(chunk)
            for mark in chunk.marks:
                if isinstance(mark, Lost) and mark.cpu is not None:
                    told[mark.cpu] += mark.count or 0
            sink.write(chunk)
        sink.close()
        return count, told

    with _standard_output(name, recording, columns) as sink:
        sink.flush()
        try:
            watches = () if watch is None else (partial(_tell, watch, recording.size),)
            found = in_turn(parts.all, work, sys.stdout.fileno(), jobs, *watches)
        except OSError as error:
            error.filename = error.filename or "standard output"
            raise
        told = sum((told for _, told in found), Counter[int]())
        rest = parts.not_told(told)
        sink.write(Chunk((), rest))
    return sum(count for count, _ in found), told.total() + sum(mark.count or 0 for mark in rest)


def _tell(watch: Callable[[float, int], None], size: int, done: float) -> None:
    watch(done, size)


def _is_file(stream: TextIO) -> bool:
    """Return whether other processes can write to the stream and it is not a terminal."""
    try:
        return stream.fileno() >= 0 and not stream.isatty()
    except OSError:
        return False


@contextmanager
def _standard_output(name: str | None, recording: "Source", columns: Fields) -> Iterator[Export]:
    sink = _sink(name, sys.stdout.buffer, _known(name, recording), columns, first=True, bulk=True)
    yield sink
    sink.close()


@contextmanager
def _retimed(recording: "Source", form: "TimeForm") -> Iterator[Export]:
    """Write text with the times that `--time` asks for."""
    from ktrace.output.formats.text import Text
    from ktrace.output.rendering.times import Retimed, style_of
    from ktrace.stream.saved_values import saved_clocks, values_of

    text = Text(sys.stdout.buffer, values_of(recording, static=False), bulk=True, style=style_of(form.value))
    sink = Retimed(text, form.value, saved_clocks(recording))
    yield sink
    sink.close()


@dataclass(frozen=True, slots=True)
class _Known:
    """The facts about a recording that its lines need, found once for all processes that make them.

    Attributes:
        values: by event and field, how values read.
        groups: the group of each event.
        wall: nanoseconds to add to a time to get the time of day; None if that is not known.
    """

    values: "Mapping[str, Mapping[str, Names]]"
    groups: Mapping[str, str]
    wall: int | None


def _known(name: str | None, recording: "Source") -> _Known:
    from ktrace.stream.saved_values import saved_clocks, values_of

    values = values_of(recording, static=name is not None)
    return _Known(values, recording.groups(), saved_clocks(recording).get("wall"))


def _sink(
    name: str | None,
    out: BinaryIO,
    known: _Known,
    columns: Fields,
    *,
    first: bool,
    bulk: bool,
) -> Export:
    if name == "json":
        from ktrace.output.formats.jsonl import JsonLines

        return JsonLines(out, known.groups, known.values, bulk=bulk, wall=known.wall)
    if name in ("csv", "csv-raw"):
        from ktrace.output.formats.csv import Csv

        return Csv(out, columns, known.values, header=first, bulk=bulk, raw=name == "csv-raw")
    from ktrace.output.formats.text import Text

    return Text(out, known.values, bulk=bulk)


@contextmanager
def _file(name: str, path: str, inputs: Sequence[str]) -> Iterator[Export]:
    """Open a file and its sink."""
    from ktrace.storage.destination import open_output

    with open_output(path, inputs=inputs) as out:
        if name in ("svg", "fold", "speedscope"):
            from ktrace.output.formats.stack_graph import Form, StackGraph

            sink: Export = StackGraph(out, Form(name))
        else:
            # Of `output/formats/NAME`, the class called so, made from the open file.
            module = import_module(f"ktrace.output.formats.{name}")
            make: Callable[[BinaryIO], Export] = getattr(module, name.capitalize())
            sink = make(out)
        yield sink
        sink.close()


@contextmanager
def _parquet(path: str, inputs: Sequence[str]) -> Iterator[Export]:
    from ktrace.output.formats.parquet import Parquet
    from ktrace.storage.destination import target_of, write_to
    from ktrace.storage.passing import passing
    from ktrace.stream.malloc import give_back

    with target_of(path, inputs=inputs) as target, write_to(target) as out:
        sink = Parquet(out, target.folder_path, target.shown)
        try:
            with passing(sink.discard):
                yield sink
                give_back()  # the memory of the columns: the file is assembled now
                sink.close()
        except BaseException:
            sink.discard()
            raise
