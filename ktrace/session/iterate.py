"""Yield events as they happen, for programs that use the API: the implementation of `Session.stream`."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack

from ktrace.errors import Unavailable, UsageError
from ktrace.model.batch import Batch, Chunk, Unread
from ktrace.session.command import Command
from ktrace.session.ending import Ending
from ktrace.session.muted import watch
from ktrace.session.reader import reading_pages
from ktrace.session.session import Session
from ktrace.session.waiting import SETTLE_S, Waiting
from ktrace.stream.limit import Limit


def batches(
    session: Session, *, command: str | None, duration_s: float | None, count: int | None
) -> Iterator[Batch]:
    """Yield the batches of all chunks; see `Session.stream`."""
    for chunk in chunks(session, command=command, duration_s=duration_s, count=count):
        yield from chunk.batches


def chunks(
    session: Session, *, command: str | None, duration_s: float | None, count: int | None
) -> Iterator[Chunk]:
    """Yield batches with the marks between them, such as losses and stacks; see `Session.stream`."""
    # Here, and not only when the stream is made: its loop may begin much later.
    if session.closed:
        raise not_open()
    if session.streams:
        raise streams_already()
    limit = Limit(count)
    ending = Ending()
    session.unread = 0
    with ExitStack() as stack:
        child = stack.enter_context(Command(command, host=session.host)) if command else None
        if child is not None:
            session.only_command(child)
        reading = reading_pages(session)
        stack.callback(session.disarm)
        source = reading.start()
        # The program handles signals itself: KeyboardInterrupt leaves the loop as any exception does.
        watched = watch(session, _warn)
        watched.begin()
        events = 0
        waiting = Waiting(
            None,
            [source.fd],
            duration_s=duration_s,
            command=child,
            settle_s=SETTLE_S,
            pending=reading.pending,
        )
        waiting.begin()
        while not limit.reached and waiting():
            data = source.read()
            chunk = limit.cut(reading.enrich(reading.decode(data)))
            events += len(chunk)
            yield from _some(chunk)
        ending.end()
        session.stop()
        while data := source.read():
            chunk = limit.cut(reading.enrich(reading.decode(data)))
            events += len(chunk)
            yield from _some(chunk)
            if ending.overdue:
                break
        chunk = limit.cut(reading.enrich(reading.decoder.finish()))
        events += len(chunk)
        yield from _some(chunk)
        if ending.overdue and not limit.reached:
            session.unread = sum(stats.entries for stats in session.stats())
        if session.unread:
            yield Chunk((), (Unread(_AFTER_ALL, session.unread),))
        if muted := watched.end(events):
            raise Unavailable(muted[0].to_text("could not"), hint=muted[0].hint)


def not_open() -> UsageError:
    """Return the error for the use of a session outside of its `with` block."""
    return UsageError("this session is not open", hint="with ktrace.Session() as session: ...")


def streams_already() -> UsageError:
    """Return the error for a second loop over the events of a session."""
    return UsageError("this session streams already", hint="leave the other loop, or close() its stream")


_AFTER_ALL = (1 << 63) - 1


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=5)  # of this, Watch, chunks and batches the caller


def _some(chunk: Chunk) -> Iterator[Chunk]:
    if chunk.batches or chunk.marks:
        yield chunk
