"""Drop the tracer's own frames from the stacks of records: a stack begins where the probe was hit."""

from dataclasses import replace

from ktrace.aggregate.frames import without_own
from ktrace.model.batch import Chunk, Mark, Stack


def without_own_frames(chunk: Chunk) -> Chunk:
    """Return the chunk with kernel stacks that begin at the function that was hit."""
    if not any(isinstance(mark, Stack) for mark in chunk.marks):
        return chunk
    return replace(chunk, marks=tuple(map(_trimmed, chunk.marks)))


def _trimmed(mark: Mark) -> Mark:
    if not isinstance(mark, Stack) or mark.user:
        return mark
    frames = without_own(mark.frames)
    dropped = len(mark.frames) - len(frames)
    return replace(mark, frames=frames, ips=mark.ips[dropped:]) if dropped else mark
