"""Read a session's buffer as text or as pages, each with its decoder."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ktrace.model.batch import Chunk
from ktrace.session.page_decoder import Formats, live_decoder, live_enrich
from ktrace.session.session import Session
from ktrace.stream.orphan_stacks import OwnStacks
from ktrace.stream.pipeline import Data, Decoder, Source
from ktrace.stream.task_names import TaskNames
from ktrace.tracefs.pid_namespace import names_proc
from ktrace.tracefs.pipe_text import TextParser

Enrich: TypeAlias = Callable[[Chunk], Chunk]


class _Decoder(Decoder, Protocol):
    """A decoder that counts the data it cannot decode."""

    unparsed: int


class _Descriptor(Source, Protocol):
    """A source that can be polled."""

    fd: int


@dataclass(frozen=True, slots=True)
class BufferReader:
    """One way of reading the buffer.

    Attributes:
        start: opens the buffer, enables the events, and starts recording.
        told: lost records that the decoder has reported, by CPU; the key is None if the CPU is unknown.
        pending: whether data that was read waits for the next read.
        page: size of a page in bytes; 0 for text.
    """

    start: Callable[[], _Descriptor]
    decoder: _Decoder
    enrich: Enrich
    told: Callable[[], Mapping[int | None, int]]
    pending: Callable[[], bool]
    page: int = 0

    def decode(self, data: Data) -> Chunk:
        """Decode the data of one read, which may be empty."""
        return self.decoder.feed(data) if data else self.decoder.idle()


def reading_text(session: Session) -> BufferReader:
    """Return a reading of the kernel's text."""
    parser = TextParser(session.signatures())
    return BufferReader(
        session.start,
        parser,
        with_own_stacks(session, TaskNames(session.saved_names, names_proc(session.host))),
        lambda: {None: parser.lost},
        lambda: False,
    )


def reading_pages(session: Session, events: Iterable[str] = ()) -> BufferReader:
    """Return a reading of the buffer's pages.

    Args:
        events: `GROUP/NAME` of events that it will hold in addition to the session's traced events.
    """
    formats = Formats(session.tracing)
    formats.learn([*session.events, *events])
    live = live_decoder(session.files, formats)
    enrich = live_enrich(session.files, formats, session.saved_names)
    if any(form.is_probe for form in formats.known.values()):
        enrich.load()  # the buffer would fill while the first events wait for it
    return BufferReader(
        lambda: session.start_pages(live.page),
        live,
        with_own_stacks(session, enrich),
        lambda: dict(live.told.items()),
        lambda: live.pending,
        live.page,
    )


def with_own_stacks(session: Session, enrich: Enrich) -> Enrich:
    """Wrap `enrich` to drop stacks that do not belong to a record, and the tracer's frames of the others."""
    if not session.with_stacks:
        return enrich
    from ktrace.session.own_frames import without_own_frames  # noqa: PLC0415 -- only for stacks

    own = OwnStacks({event.partition("/")[2] for event in session.with_stacks})
    return lambda chunk: without_own_frames(enrich(own(chunk)))
