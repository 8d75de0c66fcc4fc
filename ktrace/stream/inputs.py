"""Open inputs as recordings or as texts: what an input holds tells, never its name."""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from typing import TypeAlias

from ktrace.errors import UsageError
from ktrace.storage.input import Watch
from ktrace.stream.recording import Recording
from ktrace.stream.text_recording import TextRecording
from ktrace.texts.cleaning import encoding_of, learn
from ktrace.texts.documents import is_document
from ktrace.texts.foreign import file_of
from ktrace.texts.format_files import formats_in
from ktrace.texts.kind import Kind
from ktrace.texts.kinds import kind_of, recognise
from ktrace.tracedat import unfinished
from ktrace.tracedat.head import MAGIC
from ktrace.tracedat.source import FileBytes

Source: TypeAlias = Recording | TextRecording

_LOOK = 1 << 12  # bytes: the header of a binary file has a NUL long before
_NULS_MAX = 1 << 26  # bytes of value 0 before a text, as in the log of a machine that crashed


def open_source(
    paths: Sequence[str],
    *,
    recover: bool = False,
    cpus: Collection[int] = (),
    watch: Watch = lambda _: None,
    kind: Kind | None = None,
    formats: str | None = None,
) -> Source:
    """Open files as one recording, or as texts.

    Args:
        paths: names of files or pipes, compressed or not; `-` is standard input.
        recover, cpus: as for `Recording`.
        watch: is told how many bytes have been unpacked, or read of a text before its first record.
        kind: the kind of texts; None to find out.
        formats: a folder with formats of the events in texts.

    Raises:
        UsageError: some are texts, and some are not; or none is, but `kind` or `formats` was given; or one is
            a file of another program.
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
        begins = [b"" if one is None else _begin_of(one) for one in opened]
        texts = [one for one, begin in zip(opened, begins, strict=True) if one is not None and is_text(begin)]
        for path, begin in zip(paths, begins, strict=True):
            file = None if begin.startswith(MAGIC[:3]) else file_of(begin)
            if file is not None:
                raise UsageError(f"{path} is not a recording or a text, but {file[0]}", hint=file[1])
        if texts and len(texts) < len(paths):
            raise UsageError(
                f"{texts[0].name} is text, and not all files are", hint="texts or recordings, not both"
            )
        if texts:
            known = tuple(formats_in(formats)) if formats is not None else ()
            stack.pop_all()
            return TextRecording(texts, watch=watch, kind=kind, formats=known)
        if kind is not None or formats is not None:
            raise UsageError("--format and --formats are for texts, and this is a recording")
        recording = Recording(paths, recover=recover, cpus=cpus, watch=watch, opened=opened)
        stack.pop_all()
        return recording


def _begin_of(source: FileBytes) -> bytes:
    """Return the first bytes that are not all of value 0; the first ones if there are no others."""
    first = begin = source.read_up_to(0, _LOOK)
    at = 0
    while begin and not begin.strip(b"\0") and at < _NULS_MAX:
        at += len(begin)
        begin = source.read_up_to(at, _LOOK)
    return begin if begin.strip(b"\0") and is_text(begin) else first


def is_text(begin: bytes) -> bool:
    """Return whether the first bytes of an input are text.

    An empty input is not: the reader of recordings says what is wrong with it.
    """
    if encoding_of(begin) is not None or is_document(begin):  # UTF-16 and compressed parts are full of NULs
        return True
    if begin.startswith(MAGIC[:3]):
        return False
    if b"\0" in begin:  # as in the log of a machine that crashed; a line of a trace tells that it is one
        return kind_of(learn(begin, recognise)(begin)) is not None
    return bool(begin.strip())
