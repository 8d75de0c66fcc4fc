"""Name the recording and the tracing instance that records come from, where there are several."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ktrace.model.batch import Chunk, Lost, Stack
from ktrace.tracedat.reader import TraceDat


def origins(files: Sequence[TraceDat]) -> Iterator[str]:
    """Yield a name for each buffer of each file; an empty one if only one buffer has data."""
    full = [
        (file, buffer)
        for file in files
        for buffer in file.contents.buffers
        if any(data.size for data in buffer.cpus)
    ]
    stems = [Path(file.source.name).name.removesuffix(".dat") for file in files]
    for i, file in enumerate(files):
        # Files of the same name in several folders are numbered.
        stem = stems[i] if stems.count(stems[i]) == 1 else f"{stems[i]}#{i + 1}"
        for buffer in file.contents.buffers:
            parts = [stem] * (len(files) > 1) + [buffer.name] * bool(buffer.name)
            yield ":".join(parts) if len(full) > 1 or buffer.name else ""


def named(chunks: Iterator[Chunk], origin: str) -> Iterator[Chunk]:
    """Yield chunks with the name of their origin."""
    for chunk in chunks:
        if not origin:
            yield chunk
            continue
        batches = tuple(replace(batch, origin=origin) for batch in chunk.batches)
        marks = tuple(
            replace(mark, origin=origin) if isinstance(mark, Lost | Stack) else mark for mark in chunk.marks
        )
        yield Chunk(batches, marks)
