"""A run that shows what led up to a hit: the buffer runs, and a snapshot of it is read back as a trace."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ktrace.capture.request import TraceRequest
from ktrace.errors import Interrupted
from ktrace.model.batch import Chunk
from ktrace.session.command import Command
from ktrace.session.reader import with_own_stacks
from ktrace.session.session import Session
from ktrace.session.signals import StopSignals
from ktrace.session.start_stop_snapshot import set_snapshot, snapshot_taken
from ktrace.session.ticking import Ticking
from ktrace.stream.limit import Limit
from ktrace.stream.pipeline import Sink
from ktrace.stream.task_names import TaskNames
from ktrace.tracefs.pid_namespace import names_proc
from ktrace.tracefs.pipe_text import TextParser

_LOOK_S = 0.1
_PIECE = 1 << 20  # bytes of text at a time


@dataclass(frozen=True, slots=True)
class Flown:
    """The result of a snapshot.

    Attributes:
        unparsed: lines that were not understood.
        output_closed: whether nobody reads the output any more.
        unread: lines of the snapshot that were left: there was no time for them.
        given_up: whether the output takes no more.
    """

    events: int
    seconds: float
    unparsed: int
    output_closed: bool
    unread: int = 0
    given_up: bool = False


def run_snapshot(
    session: Session,
    request: TraceRequest,
    sink: Sink,
    stop: StopSignals,
    *,
    command: Command | None,
    output_fd: int | None,
    note: Callable[[str], None],
) -> Flown:
    """Record until the snapshot is there or the run is over; then write what it holds."""
    started = time.monotonic()
    parser = TextParser(session.signatures())
    session.arm()
    set_snapshot(session, request.conditions, request.pids)
    if command is not None:
        command.start()
    tick = Ticking(stop, duration_s=request.duration_s, command=command, output_fd=output_fd, every_s=_LOOK_S)
    while not snapshot_taken(session) and tick():
        pass
    stop.end()
    session.stop()
    seconds = time.monotonic() - started
    taken = snapshot_taken(session)
    if not taken:
        note(f"no hit for which it holds, so no snapshot: {request.conditions.snapshot_on}")
        return Flown(0, seconds, 0, tick.output_closed)
    if len(taken) > 1:
        note(f"{len(taken)} events took a snapshot, one over the other: this is the last of them")
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
        return Flown(
            events, seconds, parser.unparsed, tick.output_closed, text.count(b"\n", at), given_up=True
        )
    return Flown(events, seconds, parser.unparsed, tick.output_closed, text.count(b"\n", at))


def _give(chunk: Chunk, sink: Sink) -> int:
    if chunk.batches or chunk.marks:
        sink.write(chunk)
    return len(chunk)
