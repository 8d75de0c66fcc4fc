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
    for stem, file in zip(stems([file.source.name for file in files]), files, strict=True):
        for buffer in file.contents.buffers:
            parts = [stem] * (len(files) > 1) + [buffer.name] * bool(buffer.name)
            yield ":".join(parts) if len(full) > 1 or buffer.name else ""


def stems(names: Sequence[str]) -> list[str]:
    """Return a short name for each file; files of the same name in several folders are numbered."""
    found = [Path(name).name.removesuffix(".dat") for name in names]
    return [one if found.count(one) == 1 else f"{one}#{i}" for i, one in enumerate(found, 1)]


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
