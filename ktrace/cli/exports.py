"""Where a recording goes: text, JSON Lines and CSV to standard output, the others to a file of their own."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, BinaryIO, Protocol, TextIO, cast

if TYPE_CHECKING:
    from ktrace.model.batch import Chunk
    from ktrace.stream.recording import Recording


class Export(Protocol):
    """A sink with an end."""

    def write(self, chunk: "Chunk", /) -> None:
        """Take a chunk."""

    def flush(self) -> None:
        """Let it be seen."""

    def close(self) -> None:
        """All has come."""


def open_export(
    files: Mapping[str, str | None],
    name: str | None,
    *,
    recording: "Recording",
    inputs: Sequence[str] = (),
) -> AbstractContextManager[Export]:
    """The one that was asked for; text without any.

    Args:
        files: by format, the file it is to be written to, or None.
        name: what goes to standard output, as `stdout_format` says.
        recording: what will be written.
        inputs: the files that are read.

    Raises:
        UsageError: several were asked for, or the file is one of the inputs.
    """
    from ktrace.errors import UsageError

    wanted = [f"--{name}" for name, path in files.items() if path is not None]
    wanted += [f"--{name}"] if name is not None else []
    if len(wanted) > 1:
        raise UsageError(f"{' and '.join(wanted)} together: one at a time")
    for kind, path in files.items():
        if path is not None:
            return _parquet(path, inputs) if kind == "parquet" else _timeline(kind, path, inputs)
    return _standard_output(name, recording)


def stdout_format(*, as_json: bool, as_csv: bool, csv_raw: bool) -> str | None:
    """Return the name of the format that was asked for, its option's; None for text. Raises UsageError."""
    from ktrace.errors import UsageError

    if as_json and (as_csv or csv_raw):
        raise UsageError("--json and --csv together: one at a time")
    return "json" if as_json else "csv-raw" if csv_raw else "csv" if as_csv else None


def export_in_parts(recording: "Recording", name: str | None, *, jobs: int) -> tuple[int, int] | None:
    """All of a recording to standard output, made by several processes.

    Args:
        name: the format, as `stdout_format` says.
        jobs: how many at most.

    Returns:
        how many events there were, and how many were lost between them; None, with nothing written, if it
        is not to be done so.
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

    def work(part: Part, out: Out) -> tuple[int, Counter[int]]:
        count, told = 0, Counter[int]()
        sink = _sink(name, cast(BinaryIO, out), recording, first=False, bulk=False)
        for chunk in parts.chunks(part):
            count += len(chunk)
            for mark in chunk.marks:
                if isinstance(mark, Lost) and mark.cpu is not None:
                    told[mark.cpu] += mark.count or 0
            sink.write(chunk)
        sink.close()
        return count, told

    with _standard_output(name, recording) as sink:
        sink.flush()
        try:
            found = in_turn(parts.all, work, sys.stdout.fileno(), jobs)
        except OSError as error:
            error.filename = error.filename or "standard output"
            raise
        told = sum((told for _, told in found), Counter[int]())
        rest = parts.not_told(told)
        sink.write(Chunk((), rest))
    return sum(count for count, _ in found), told.total() + sum(mark.count or 0 for mark in rest)


def _is_file(stream: TextIO) -> bool:
    """Whether other processes can write to it, and nobody watches."""
    try:
        return stream.fileno() >= 0 and not stream.isatty()
    except OSError:
        return False


@contextmanager
def _standard_output(name: str | None, recording: "Recording") -> Iterator[Export]:
    sink = _sink(name, sys.stdout.buffer, recording, first=True, bulk=True)
    yield sink
    sink.close()


def _sink(name: str | None, out: BinaryIO, recording: "Recording", *, first: bool, bulk: bool) -> Export:
    if name == "json":
        from ktrace.output.formats.jsonl import JsonLines

        return JsonLines(out, recording.groups(), bulk=bulk)
    if name in ("csv", "csv-raw"):
        from ktrace.output.formats.csv import Csv

        return Csv(out, recording.fields(), header=first, bulk=bulk, raw=name == "csv-raw")
    from ktrace.output.formats.text import Text

    return Text(out, bulk=bulk)


@contextmanager
def _timeline(name: str, path: str, inputs: Sequence[str]) -> Iterator[Export]:
    from ktrace.storage.destination import open_output

    with open_output(path, inputs=inputs) as out:
        sink: Export
        if name == "perfetto":
            from ktrace.output.formats.perfetto import Perfetto

            sink = Perfetto(out)
        else:
            from ktrace.output.formats.chrome import Chrome

            sink = Chrome(out)
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
                give_back()  # what the columns took: the file is put together now
                sink.close()
        except BaseException:
            sink.discard()
            raise
