"""Show the events that led up to a hit: record into the buffer, and read a snapshot of it as text."""

import time
from dataclasses import dataclass
from functools import partial

from ktrace.capture.request import TraceRequest, spelled
from ktrace.errors import Interrupted
from ktrace.model.batch import Chunk
from ktrace.session.reader import with_own_stacks
from ktrace.session.run_context import RunContext
from ktrace.session.start_stop_snapshot import set_snapshot, snapshot_taken
from ktrace.stream.limit import Limit
from ktrace.stream.pipeline import Sink
from ktrace.stream.task_names import TaskNames
from ktrace.tracefs.pid_namespace import names_proc
from ktrace.tracefs.pipe_text import TextParser

_TICK_S = 0.1
_PIECE = 1 << 20  # bytes of text at a time


@dataclass(frozen=True, slots=True)
class Taken:
    """The events of a snapshot.

    Attributes:
        unparsed: lines that were not understood.
        unread: lines of the snapshot that were not read for lack of time.
        given_up: whether the output was abandoned.
    """

    events: int
    seconds: float
    unparsed: int
    unread: int = 0
    given_up: bool = False


def run_snapshot(context: RunContext, request: TraceRequest, sink: Sink) -> Taken:
    """Record until the snapshot is taken or the run is over; then write the snapshot's events."""
    session, stop = context.session, context.stop
    started = time.monotonic()
    parser = TextParser(session.signatures())
    session.arm()
    set_snapshot(session, request.conditions, context.tasks.pids, partial(spelled, session, request))
    waiting = context.waiting(every_s=_TICK_S)
    waiting.begin()
    while not snapshot_taken(session) and waiting():
        pass
    stop.end()
    session.stop()
    seconds = time.monotonic() - started
    taken = snapshot_taken(session)
    if not taken:
        context.notify(f"no hit passed the filter, so there is no snapshot: {request.conditions.snapshot_on}")
        return Taken(0, seconds, 0)
    if len(taken) > 1:
        context.notify(
            f"{len(taken)} events took a snapshot, each replacing the one before: this is the last one"
        )
    enrich, limit = (
        with_own_stacks(session, TaskNames(session.saved_names, names_proc(session.host))),
        Limit(request.count),
    )
    events = 0
    text = session.files.read_bytes("snapshot")
    at = 0
    try:
        while at < len(text) and not (at and stop.overdue):
            events += _give(limit.cut(enrich(parser.feed(text[at : at + _PIECE]))), sink)
            at += _PIECE
        events += _give(limit.cut(enrich(parser.finish())), sink)
        sink.flush()
    except Interrupted:
        return Taken(events, seconds, parser.unparsed, text.count(b"\n", at), given_up=True)
    return Taken(events, seconds, parser.unparsed, text.count(b"\n", at))


def _give(chunk: Chunk, sink: Sink) -> int:
    if chunk.batches or chunk.marks:
        sink.write(chunk)
    return len(chunk)
