"""Open inputs as recordings or as texts: what an input holds tells, never its name."""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from typing import TypeAlias

from ktrace.errors import UsageError
from ktrace.storage.input import Watch
from ktrace.stream.recording import Recording
from ktrace.stream.text_recording import TextRecording
from ktrace.tracedat import unfinished
from ktrace.tracedat.head import MAGIC
from ktrace.tracedat.source import FileBytes

Source: TypeAlias = Recording | TextRecording

_LOOK = 1 << 12  # bytes: the header of a binary file has a NUL long before


def open_source(
    paths: Sequence[str],
    *,
    recover: bool = False,
    cpus: Collection[int] = (),
    watch: Watch = lambda _: None,
) -> Source:
    """Open files as one recording, or as texts.

    Args:
        paths: names of files or pipes, compressed or not; `-` is standard input.
        recover, cpus: as for `Recording`.
        watch: is told how many bytes have been unpacked, or read of a text before its first record.

    Raises:
        UsageError: some are texts, and some are not.
        NotFound, Damaged, Unavailable: as for `Recording`.
    """
    with ExitStack() as stack:
        opened = []
        for path in paths:
            # An unfinished recording is several files, which the reader of recordings finds.
            alone = not unfinished.is_unfinished(unfinished.place_of(path))
            source = FileBytes(path, recover=recover, watch=watch) if alone else None
            opened.append(stack.enter_context(source) if source else None)
            if source and source.problem and not source.size:
                raise source.problem  # nothing can be recovered
        texts = [one for one in opened if one is not None and is_text(one.read_up_to(0, _LOOK))]
        if texts and len(texts) < len(paths):
            raise UsageError(
                f"{texts[0].name} is text, and not all files are", hint="texts or recordings, not both"
            )
        if texts:
            stack.pop_all()
            return TextRecording(texts, watch=watch)
        recording = Recording(paths, recover=recover, cpus=cpus, watch=watch, opened=opened)
        stack.pop_all()
        return recording


def is_text(begin: bytes) -> bool:
    """Return whether the first bytes of an input are text.

    An empty input is not: the reader of recordings says what is wrong with it.
    """
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16, which is full of NULs
        return True
    return bool(begin.strip()) and not begin.startswith(MAGIC[:3]) and b"\0" not in begin
