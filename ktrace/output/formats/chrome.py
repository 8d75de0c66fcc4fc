"""Chrome's trace event format (JSON), which chrome://tracing, Perfetto and Speedscope open.

Each event is one line. Times are in microseconds with three decimals, so the nanoseconds are exact. Integers
that a double cannot hold are written as strings, because viewers read numbers as doubles.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from json import JSONEncoder
from typing import BinaryIO

from ktrace.model.batch import Batch, Chunk, Lost, Stack
from ktrace.model.column import Column, Strings
from ktrace.model.frame import utf8
from ktrace.output.formats.scheduling import Scheduling, Span, States
from ktrace.output.formats.timeline import Point, Timeline
from ktrace.output.formats.tracks import Lane, Track

_KEY = re.compile(r'"([^"\\]+)":')
_to_json = JSONEncoder(separators=(",", ":")).encode
_EXACT = 1 << 53  # a double holds every integer up to this one

_BEYOND = 1 << 22  # thread ids of the kernel are below
_IDLE = "CPUs without a task"
"""The first of the groups of tracks, each of which is shown as a process."""


class Chrome:
    """Writes all chunks as one JSON document.

    Args:
        out: a binary file, or any object with its `write`.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._drawing = _Drawing()
        self._timeline = Timeline(out, self._drawing)
        out.write(b'{"displayTimeUnit":"ns","traceEvents":[\n')

    def write(self, chunk: Chunk) -> None:
        """Write the records and marks of `chunk`; write a slice once its end has come."""
        self._timeline.write(chunk)

    def flush(self) -> None:
        """Flush the file's buffer."""
        self._out.flush()

    def close(self) -> None:
        """Write the end of the document."""
        self._timeline.finish()
        # JSON allows no comma after the last element.
        self._out.write(self._drawing.names()[:-2] + b"\n]}\n")
        self._out.flush()


class _Drawing:
    """Draw each event as a line; a record's arguments are the text within the braces."""

    def __init__(self) -> None:
        self._threads: dict[tuple[int, int], str] = {}
        self._groups = {_IDLE: _BEYOND}
        self._states = States()

    def args(self, batch: Batch) -> Sequence[str]:
        columns = [_members(name, column) for name, column in batch.columns.items()]
        return list(map(",".join, zip(*columns, strict=True))) if columns else [""] * len(batch)

    def frames(self, stack: Stack) -> str:
        return f'"frames":{_to_json([utf8(frame) for frame in stack.frames])}'

    def slice(self, begin: Point[str], end: Point[str]) -> bytes:
        args = _joined(begin.args, end.args)
        if isinstance(begin.thread, Lane) and not begin.thread.group:
            job = self._job(begin.thread)
            return self._line("b", begin, job, begin.args) + self._line(
                "e", replace(end, name=begin.name), job, end.args
            )
        line = self._line("X", begin, f'"dur":{_micros(end.ts - begin.ts)},', args)
        return line + b"".join(begin.inside)

    def instant(self, point: Point[str]) -> bytes:
        if isinstance(point.thread, Lane) and not point.thread.group:
            return self._line("n", point, self._job(point.thread), point.args)
        return self._line("i", point, '"s":"t",', point.args)

    def counter(self, point: Point[str]) -> bytes:
        return self._line("C", point, "", f'"value":{_to_json(point.value)}')

    def scheduling(self, event: Scheduling) -> bytes:
        return b"".join(map(self._span, self._states.add(event)))

    def end_scheduling(self, ts: int | None) -> bytes:
        if ts is None:
            self._states.forget()
            return b""
        return b"".join(map(self._span, self._states.finish(ts)))

    def _span(self, span: Span) -> bytes:
        point = Point(span.lane, span.begin, span.name, "sched", "")
        return self._line("X", point, f'"dur":{_micros(span.end - span.begin)},', "")

    def _job(self, lane: Lane) -> str:
        """Return the members that tell a job from others of its process."""
        scope = _to_json(utf8(lane.name))
        return f'"id2":{{"local":{_to_json(utf8(f"{lane.name}|{lane.key}"))}}},"scope":{scope},'

    def lost(self, ts: int, mark: Lost) -> bytes:
        count = "" if mark.count is None else f"{mark.count} "
        return (
            f'{{"name":"lost {count}events","cat":"lost","ph":"i","s":"g","ts":{_micros(ts)},'
            f'"pid":0,"tid":0,"args":{{"cpu":{_to_json(mark.cpu)},"count":{_to_json(mark.count)}}}}},\n'
        ).encode()

    def before(self) -> bytes:
        return b""

    def names(self) -> bytes:
        """Return the names of processes and threads."""
        lines = []
        headings = {pid: group for group, pid in self._groups.items()}
        processes = {pid: comm for (pid, tid), comm in self._threads.items() if tid == pid}
        for (pid, tid), comm in self._threads.items():
            lines.append(_name("thread_name", pid, tid, comm))
            processes.setdefault(pid, comm)
            if pid in headings:
                processes[pid] = headings[pid]
        lines += [_name("process_name", pid, 0, comm) for pid, comm in processes.items()]
        lines += [_first(pid) for pid in processes if pid in headings]
        return "".join(lines).encode() or b'{"name":"empty","ph":"M","pid":0,"args":{}},\n'

    def _line(self, phase: str, point: Point[str], more: str, args: str) -> bytes:
        pid, tid = self._ids(point.thread)
        return (
            f'{{"name":{_to_json(utf8(point.name))},"cat":{_to_json(utf8(point.category))},"ph":"{phase}",'
            f'"ts":{_micros(point.ts)},{more}"pid":{pid},"tid":{tid},"args":{{{args}}}}},\n'
        ).encode()

    def _ids(self, thread: Track) -> tuple[int, int]:
        if isinstance(thread, Lane):
            if not thread.group:
                return thread.pid, thread.pid
            ids = self._grouped(thread.group, thread.number)
            self._threads[ids] = thread.name
            return ids
        ids = self._grouped(_IDLE, thread.tid) if thread.idle else (thread.tgid or thread.tid, thread.tid)
        if thread.comm != "<...>" or ids not in self._threads:
            self._threads[ids] = thread.comm
        return ids

    def _grouped(self, group: str, number: int) -> tuple[int, int]:
        """Return the process and thread of a track in a group.

        No other process has that thread, since Perfetto takes thread 0 of several processes for one, and
        all negative processes for process 0.
        """
        pid = self._groups.setdefault(group, _BEYOND * (len(self._groups) + 1))
        return pid, pid + number


def _members(name: str, column: Column) -> list[str]:
    """Return `"name":value` for each row."""
    prefix = _to_json(utf8(name)) + ":"
    if isinstance(column, Strings):
        values = [prefix + _value(value) for value in column.values]
        return [values[code] for code in column.codes.tolist()]
    return [prefix + _value(value) for value in column.tolist()]


def _value(value: object) -> str:
    if isinstance(value, int):
        return str(value) if -_EXACT <= value <= _EXACT else f'"{value:#x}"'
    if isinstance(value, list):
        return "[" + ",".join(map(_value, value)) + "]"
    return _to_json(utf8(value) if isinstance(value, str) else value)


def _name(what: str, pid: int, tid: int, comm: str) -> str:
    name = _to_json(utf8(comm))
    return f'{{"name":"{what}","ph":"M","pid":{pid},"tid":{tid},"args":{{"name":{name}}}}},\n'


def _first(pid: int) -> str:
    """Return what makes viewers show a process before those of the kernel."""
    return (
        f'{{"name":"process_sort_index","ph":"M","pid":{pid},"args":{{"sort_index":{pid - (1 << 31)}}}}},\n'
    )


def _micros(ns: int) -> str:
    return f"{ns // 1000}.{ns % 1000:03d}"


def _joined(begin: str, end: str) -> str:
    """Return the members of both, those of the end in `end` if both may have one of the same name."""
    if begin and end and set(_KEY.findall(begin)) & set(_KEY.findall(end)):
        return f'{begin},"end":{{{end}}}'
    return ",".join(filter(None, (begin, end)))
