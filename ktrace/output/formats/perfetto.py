"""Perfetto's native trace format: TrackEvent packets, read by ui.perfetto.dev and the trace processor.

The field numbers are those of Perfetto's protos/perfetto/trace/**/*.proto. Names of events and arguments are
written once and then referred to by number ("interned"). Times are the trace clock's nanoseconds.
"""

from collections.abc import Sequence
from itertools import starmap
from typing import BinaryIO

from ktrace.model.batch import Batch, Chunk, Lost, Stack
from ktrace.model.column import Column, Strings
from ktrace.model.frame import utf8
from ktrace.output.formats.protobuf import double, message, number, text, varint
from ktrace.output.formats.scheduling import Scheduling, Switch
from ktrace.output.formats.timeline import Point, Timeline
from ktrace.output.formats.tracks import Lane, Thread, Track

# Trace and TracePacket
_PACKET, _FTRACE, _TIMESTAMP, _SEQUENCE_ID, _TRACK_EVENT, _INTERNED, _FLAGS, _TRACK = (
    1,
    1,
    8,
    10,
    11,
    12,
    13,
    60,
)
_CLEARED, _NEEDED = 1, 2  # sequence flags: interned names start over here; this packet needs them
# TrackEvent and its types
_ANNOTATION, _TYPE, _NAME, _EVENT_TRACK, _CATEGORY = 4, 9, 10, 11, 22
_COUNTED, _COUNTED_DOUBLE = 30, 44
_BEGIN, _END, _INSTANT, _COUNTER = 1, 2, 3, 4
# InternedData and the entries of its lists
_EVENT_NAMES, _ARGUMENT_NAMES, _IID, _IID_NAME = 2, 3, 1, 2
# TrackDescriptor, ProcessDescriptor, ThreadDescriptor
_UUID, _TRACK_NAME, _PROCESS, _THREAD, _PARENT, _IS_COUNTER = 1, 2, 3, 4, 5, 8
_PROCESS_PID, _PROCESS_NAME = 1, 6
_THREAD_PID, _THREAD_TID, _THREAD_NAME = 1, 2, 5
# DebugAnnotation
_ARG_NAME, _UNSIGNED, _SIGNED, _STRING, _POINTER, _ARRAY = 1, 3, 4, 6, 7, 12

# FtraceEventBundle and FtraceEvent; sched_wakeup and sched_waking have the same fields
_BUNDLE_CPU, _BUNDLE_EVENT, _EVENT_TIME, _EVENT_PID = 1, 2, 1, 2
_SWITCH, _WAKEUP, _WAKING = 4, 17, 20

_STATES = {0x40: 0x200, 0x80: 0x402, 0x100: 0x800}  # parked, idle, preempted
"""States of threads whose number differs where a trace does not name a kernel: those of Linux 4.4."""

_ONE_SEQUENCE = number(_SEQUENCE_ID, 1)
_CPUS_UUID, _LOST_UUID = 1 << 40, 1 << 41  # larger than the number of any thread's or process's track
_LANES_UUID = 1 << 42


class Perfetto:
    """Writes all chunks as one trace.

    Args:
        out: a binary file, or any object with its `write`.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._timeline = Timeline(out, _Drawing())
        out.write(message(_PACKET, _ONE_SEQUENCE, number(_FLAGS, _CLEARED)))

    def write(self, chunk: Chunk) -> None:
        """Write the records and marks of `chunk`; write a slice once its end has come."""
        self._timeline.write(chunk)

    def flush(self) -> None:
        """Flush the file's buffer."""
        self._out.flush()

    def close(self) -> None:
        """Write what is still open."""
        self._timeline.finish()
        self._out.flush()


class _Drawing:
    """Draw each event as packets; a record's arguments are the annotations of its event.

    Packets that must come first, such as a name or a thread's track, wait in `_before`.
    """

    def __init__(self) -> None:
        self._before: list[bytes] = []
        self._names: dict[tuple[int, str], int] = {}
        self._tracks: dict[int, tuple[str, int]] = {}  # by number: the thread's name and process
        self._heads: dict[tuple[int, int, str, str], bytes] = {}
        self._processes: dict[int, tuple[bool, str]] = {}
        self._lanes: dict[tuple[Lane | str, bool], int] = {}
        self._has_wakings = False

    def args(self, batch: Batch) -> Sequence[bytes]:
        columns = [self._annotations(name, column) for name, column in batch.columns.items()]
        return list(map(b"".join, zip(*columns, strict=True))) if columns else [b""] * len(batch)

    def frames(self, stack: Stack) -> bytes:
        return self._annotation("frames", list(stack.frames))

    def slice(self, begin: Point[bytes], end: Point[bytes]) -> bytes:
        track = self._track(begin.thread)
        first = self._event(begin, _BEGIN, track)
        last = _packet(end.ts, number(_TYPE, _END) + number(_EVENT_TRACK, track), end.args)
        return b"".join((first, *begin.inside, last))

    def instant(self, point: Point[bytes]) -> bytes:
        return self._event(point, _INSTANT, self._track(point.thread))

    def counter(self, point: Point[bytes]) -> bytes:
        track = self._track(point.thread, counts=True)
        head = number(_TYPE, _COUNTER) + number(_EVENT_TRACK, track)
        if isinstance(point.value, float):
            return _packet(point.ts, head + double(_COUNTED_DOUBLE, point.value), b"")
        return _packet(point.ts, head + number(_COUNTED, point.value), b"")

    def scheduling(self, event: Scheduling) -> bytes:
        if isinstance(event, Switch):
            kind, pid = _SWITCH, event.pid
            state = _STATES.get(event.state, event.state & 0x3F)
            fields: tuple[object, ...] = event._replace(state=state)[2:]
        else:
            # Perfetto takes a thread for runnable from sched_waking on; without it, from the wakeup on.
            self._has_wakings = self._has_wakings or event.event == "sched_waking"
            kind, pid = _WAKEUP if self._has_wakings and event.event != "sched_waking" else _WAKING, event.by
            fields = (event.comm, event.pid, event.prio, 1, event.target_cpu)
        content = message(kind, *starmap(_field, enumerate(fields, 1)))
        what = number(_EVENT_TIME, event.ts), number(_EVENT_PID, pid), content
        bundle = number(_BUNDLE_CPU, event.cpu), message(_BUNDLE_EVENT, *what)
        return message(_PACKET, _ONE_SEQUENCE, message(_FTRACE, *bundle))

    def end_scheduling(self, ts: int | None) -> bytes:  # noqa: ARG002 -- Perfetto ends states itself
        return b""

    def lost(self, ts: int, mark: Lost) -> bytes:
        if _LOST_UUID not in self._tracks:
            self._tracks[_LOST_UUID] = "", 0
            self._before.append(_descriptor(number(_UUID, _LOST_UUID), text(_TRACK_NAME, "lost events")))
        count = "events" if mark.count is None else f"{mark.count} events"
        args = [
            self._annotation(name, value)
            for name, value in (("cpu", mark.cpu), ("count", mark.count))
            if value is not None
        ]
        point = Point(Thread(0, 0, ""), ts, f"lost {count}", "lost", b"".join(args))
        return self._event(point, _INSTANT, _LOST_UUID)

    def before(self) -> bytes:
        pieces, self._before = self._before, []
        return b"".join(pieces)

    def _event(self, point: Point[bytes], kind: int, track: int) -> bytes:
        known = kind, track, point.name, point.category
        head = self._heads.get(known)
        if head is None:
            name = number(_NAME, self._iid(_EVENT_NAMES, utf8(point.name)))
            category = text(_CATEGORY, utf8(point.category))
            head = number(_TYPE, kind) + number(_EVENT_TRACK, track) + name + category
            self._heads[known] = head
        return _packet(point.ts, head, point.args)

    def _iid(self, kind: int, name: str) -> int:
        """Return the number of a name; define the name at its first use."""
        known = self._names.get((kind, name))
        if known is None:
            known = self._names[kind, name] = len(self._names) + 1
            entry = message(kind, number(_IID, known), text(_IID_NAME, name))
            self._before.append(message(_PACKET, _ONE_SEQUENCE, message(_INTERNED, entry)))
        return known

    def _track(self, thread: Track, *, counts: bool = False) -> int:
        """Return the number of a track; describe a thread's track again when its name changes."""
        if isinstance(thread, Lane):
            return self._lane(thread, counts=counts)
        uuid = _CPUS_UUID + 1 + thread.tid if thread.idle else 2 * thread.tid + 1
        known = self._tracks.get(uuid)
        if known is None or thread.comm not in (known[0], "<...>") or thread.tgid not in (known[1], 0):
            self._tracks[uuid] = thread.comm, thread.tgid
            self._describe(thread, uuid)
        return uuid

    def _lane(self, lane: Lane, *, counts: bool) -> int:
        known = self._lanes.get((lane, counts))
        if known is not None:
            return known
        parent = self._heading(lane.group) if lane.group else self._process(lane.pid, "", leads=False)
        uuid = self._lanes[lane, counts] = _LANES_UUID + len(self._lanes)
        about = [number(_UUID, uuid), text(_TRACK_NAME, utf8(lane.name))]
        about += [number(_PARENT, parent)] if parent else []
        self._before.append(_descriptor(*about, message(_IS_COUNTER) if counts else b""))
        return uuid

    def _heading(self, name: str) -> int:
        known = self._lanes.get((name, False))
        if known is None:
            known = self._lanes[name, False] = _LANES_UUID + len(self._lanes)
            self._before.append(_descriptor(number(_UUID, known), text(_TRACK_NAME, name)))
        return known

    def _process(self, pid: int, name: str, *, leads: bool) -> int:
        """Return the number of a process's track; 0 for none.

        A process is named after its main thread, or after another one until the main thread is seen.
        """
        if not pid:
            return 0
        led, known = self._processes.get(pid, (False, None))
        if known is None or (leads and (not led or known != name)) or (not led and not known and name):
            self._processes[pid] = leads, name
            about = number(_PROCESS_PID, pid), text(_PROCESS_NAME, name) if name else b""
            self._before.append(_descriptor(number(_UUID, 2 * pid + 2), message(_PROCESS, *about)))
        return 2 * pid + 2

    def _describe(self, thread: Thread, uuid: int) -> None:
        name = utf8(thread.comm)
        if thread.idle:
            # Every CPU's idle task has thread id 0, but Perfetto takes a thread id for one thread.
            if _CPUS_UUID not in self._tracks:
                self._tracks[_CPUS_UUID] = "", 0
                self._before.append(
                    _descriptor(number(_UUID, _CPUS_UUID), text(_TRACK_NAME, "CPUs without a task"))
                )
            self._before.append(
                _descriptor(number(_UUID, uuid), number(_PARENT, _CPUS_UUID), text(_TRACK_NAME, name))
            )
            return
        pid = thread.tgid or thread.tid
        parent = self._process(pid, name, leads=thread.tid == pid)
        about = number(_THREAD_PID, pid), number(_THREAD_TID, thread.tid), text(_THREAD_NAME, name)
        self._before.append(
            _descriptor(number(_UUID, uuid), number(_PARENT, parent), message(_THREAD, *about))
        )

    def _annotations(self, name: str, column: Column) -> list[bytes]:
        """Return the annotation of a column's value for each row."""
        if isinstance(column, Strings):
            values = [self._annotation(name, value) for value in column.values]
            return [values[code] for code in column.codes.tolist()]
        unsigned = column.dtype.kind == "u"
        known: dict[object, bytes] = {}
        out = []
        for value in column.tolist():
            key = tuple(value) if isinstance(value, list) else value
            if key not in known:
                known[key] = self._annotation(name, value, unsigned=unsigned)
            out.append(known[key])
        return out

    def _annotation(self, name: str, value: object, *, unsigned: bool = False) -> bytes:
        named = number(_ARG_NAME, self._iid(_ARGUMENT_NAMES, utf8(name)))
        return message(_ANNOTATION, named, _value(value, unsigned))


def _value(value: object, unsigned: bool) -> bytes:
    if isinstance(value, int):
        if not unsigned and value < 1 << 63:
            return number(_SIGNED, value)
        return number(_UNSIGNED if value < 1 << 63 else _POINTER, value)
    if isinstance(value, list):
        return b"".join(message(_ARRAY, _value(item, unsigned)) for item in value)
    return text(_STRING, "(fault)" if value is None else utf8(str(value)))


_HEAD = _ONE_SEQUENCE + number(_FLAGS, _NEEDED) + varint(_TIMESTAMP << 3)


def _field(place: int, value: object) -> bytes:
    return number(place, value) if isinstance(value, int) else text(place, utf8(str(value)))


def _packet(ts: int, head: bytes, args: bytes) -> bytes:
    return message(_PACKET, _HEAD, varint(ts), message(_TRACK_EVENT, head, args))


def _descriptor(*fields: bytes) -> bytes:
    return message(_PACKET, _ONE_SEQUENCE, message(_TRACK, *fields))
