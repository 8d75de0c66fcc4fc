"""Where a recording goes: text, JSON Lines and CSV to standard output, the others to a file of their own."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

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
    files: Mapping[str, str | None], *, as_json: bool, as_csv: bool, recording: "Recording"
) -> AbstractContextManager[Export]:
    """The one that was asked for; text without any.

    Args:
        files: by format, the file it is to be written to, or None.
        recording: what will be written.

    Raises:
        UsageError: several were asked for.
    """
    from ktrace.errors import UsageError

    wanted = [f"--{name}" for name, path in files.items() if path]
    wanted += ["--json"] * as_json + ["--csv"] * as_csv
    if len(wanted) > 1:
        raise UsageError(f"{' and '.join(wanted)} together: one at a time")
    for name, path in files.items():
        if path:
            return _parquet(path) if name == "parquet" else _timeline(name, path)
    return _standard_output("json" if as_json else "csv" if as_csv else "text", recording)


@contextmanager
def _standard_output(name: str, recording: "Recording") -> Iterator[Export]:
    out = sys.stdout.buffer
    sink: Export
    if name == "json":
        from ktrace.output.jsonl import JsonLines

        sink = JsonLines(out, recording.groups(), bulk=True)
    elif name == "csv":
        from ktrace.output.csv import Csv

        sink = Csv(out, recording.fields(), bulk=True)
    else:
        from ktrace.output.text import Text

        sink = Text(out, bulk=True)
    yield sink
    sink.close()


@contextmanager
def _timeline(name: str, path: str) -> Iterator[Export]:
    with open(path, "wb") as out:  # noqa: PTH123 -- as the user named it
        sink: Export
        if name == "perfetto":
            from ktrace.output.perfetto import Perfetto

            sink = Perfetto(out)
        else:
            from ktrace.output.chrome import Chrome

            sink = Chrome(out)
        yield sink
        sink.close()


@contextmanager
def _parquet(path: str) -> Iterator[Export]:
    from ktrace.output.parquet import Parquet

    sink = Parquet(path)
    try:
        yield sink
        sink.close()
    except BaseException:
        sink.discard()
        raise
