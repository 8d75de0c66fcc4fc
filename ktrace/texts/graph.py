"""The text of the tracer function_graph: see Documentation/trace/ftrace.rst, "function graph tracer".

      123.456789 |   0)   bash-1234   |  d..1. | + 11.437 us   |  vfs_read(file=0x1) { /* <-ksys_read */
      TIME       |   CPU) TASK        |  FLAGS |   DURATION    |  CALL

All columns but the last one are options. A call becomes a record of `funcgraph_entry` and one of
`funcgraph_exit`, as in the kernel's buffer. A text without times counts them from 0 on each CPU, by the
durations; one without tasks gives each CPU its own task, -1 - CPU.
"""

import re
from dataclasses import dataclass, field

from ktrace.model.batch import Chunk, Lost, Stack, Unparsed
from ktrace.texts.by_line import ByLine
from ktrace.texts.records import PID_END, TIME_END, Task, Value
from ktrace.tracefs import text_grammar as grammar
from ktrace.tracefs.text_grammar import decode

ENTRY, EXIT = "funcgraph_entry", "funcgraph_exit"

_COLUMNS = re.compile(
    rb"[ \t]{0,32}"
    rb"(?:(\d{1,12})(?:\.(\d{6})| us(?=[ \t]{1,16}\|[ \t]{0,16}\d{1,5}\)))[ \t]{1,16}\|[ \t]{0,16})?"
    rb"(?:(\d{1,5})\)[ \t]{0,16})?(?:([^|\n]{0,16}?)-(\d{1,10})[ \t]{0,16}\|[ \t]{0,16})?"
    rb"(?:([.\w]{4,8})[ \t]{0,8}\|)?"
    rb"(?:[ \t]{0,16}[$@*#!+]?[ \t]{0,16}(?:(\d{1,15})(?:\.(\d{1,9}))? (us|ms|s|ns))?[ \t]{0,16}\|())?"
)
_UNITS = {b"ns": 1, b"us": 1000, b"ms": 10**6, b"s": 10**9}
_NAME = rb"[^\s(){};/*|]{1,512}(?: \[[^\]\n]{1,64}\])?"
_CALL = re.compile(
    rb"( {0,512})(?:(" + _NAME + rb")\(([^\n]*)\)( \{|;)|(\}))[ \t]{0,64}"
    rb"(?:/\*([^\n]{0,256}?)\*/)?[ \t]{0,64}(?:\(\d{1,9}\))?[ \t]{0,64}\Z"
)
_COMMENT = re.compile(rb"[ \t]*/\* ?([^\n]*?) ?\*/[ \t]*\Z")
_OPEN_COMMENT = re.compile(rb"[ \t]*/\* ?(?![^\n]*\*/)([^\n]*)\Z")
_COMMENT_MAX = 200  # lines: a stack
_RETVAL = re.compile(rb"(?:=|ret=)[ \t]?(0x[0-9a-f]{1,16}|-?\d{1,20})")
_SAID = re.compile(rb" ?(?!=)(" + _NAME + rb")")
_CALLER = re.compile(rb"<-([^\s=]+)")
_SWITCH = re.compile(
    rb"[ \t]{0,16}(?:\d{1,12}\.\d{6} \|[ \t]{0,16})?(\d{1,5})\)[ \t]+([^\n]{0,16}?)-(\d{1,10})[ \t]+=>[ \t]+"
    rb"([^\n]{0,16}?)-(\d{1,10})[ \t]*\Z"
)
_NOTE = re.compile(
    rb"\s*\Z|#|[ \t]*-{10,}[ \t]*\Z|[^=<]{0,64}(?:={10}>|<={10}) \|[ \t]*\Z|[ \t]{0,64}\(Overruns: 0\)\Z"
)
_INDENT = 2


def is_graph(line: bytes) -> bool:
    """Return whether a line is a call, the end of one, or an event between calls."""
    at = _columns(line)[1]
    if line[:at].strip():
        return (_CALL.match(line, at) or _COMMENT.match(line, at)) is not None
    return _SWITCH.match(line) is not None


def _columns(line: bytes) -> tuple[re.Match[bytes], int]:
    """Return the columns before a call, and where its indentation begins."""
    columns = _COLUMNS.match(line)
    assert columns is not None  # all columns are optional
    return columns, len(line[: columns.end()].rstrip(b" \t"))


def read_call(text: str) -> dict[str, Value] | None:
    """Return the fields of a call as trace-cmd prints it: the duration, a bar, and the call.

    A call that calls nothing is one line, whose fields have the duration.
    """
    line = text.encode("utf-8", "surrogateescape")
    columns, at = _columns(line)
    call = _CALL.match(line, at)
    if call is None or columns[10] is None:
        return None
    func = decode(call[2]) if call[2] is not None else _said(call)
    fields: dict[str, Value] = {"func": func} if func else {}
    fields["depth"] = _depth(columns, call)
    if columns[7] is not None:
        fields["duration"] = _duration(columns)
    return fields


def _said(call: re.Match[bytes]) -> str:
    """Return the function in the comment after the end of a call; empty if it is not said."""
    said = _SAID.match(call[6] or b"")
    return decode(said[1]) if said else ""


def is_indented(sample: bytes) -> bool:
    """Return whether the depth of calls is their indentation: a copy may have lost it."""
    opened: dict[bytes, int] = {}  # by CPU, the depth of a call that the line before opened
    within = outside = 0
    for line in sample.split(b"\n"):
        columns, at = _columns(line)
        call = _CALL.match(line, at)
        cpu = columns[3] or b""
        before = opened.pop(cpu, None)
        if call is None:
            continue
        depth = _depth(columns, call)
        if before is not None and call[5] is None:
            within, outside = (within + 1, outside) if depth > before else (within, outside + 1)
        if call[4] == b" {":
            opened[cpu] = depth
    return outside <= within


def _depth(columns: re.Match[bytes], call: re.Match[bytes]) -> int:
    """Return the depth by the indentation: two blanks before it after the bar, one without durations."""
    first = _INDENT if columns[10] is not None else 1
    return max(len(call[1]) - first, 0) // _INDENT


def _duration(columns: re.Match[bytes]) -> int | None:
    whole, part, unit = columns[7], columns[8] or b"", columns[9]
    return None if whole is None else int(whole + part) * _UNITS[unit] // 10 ** len(part)


@dataclass(slots=True)
class _Track:
    """One CPU, or one task if the text names them.

    Attributes:
        now: the time that its last line reached.
        open: the calls that have not returned: function, and time of the entry.
    """

    now: int = 0
    open: list[tuple[str, int]] = field(default_factory=list)


class Graph(ByLine):
    """Parses the text of the function graph tracer.

    Args:
        is_indented: whether the depth of a call is its indentation; otherwise, the braces tell.
    """

    def __init__(self, *, is_indented: bool = True) -> None:
        super().__init__()
        self._is_indented = is_indented
        self._tracks: dict[int, _Track] = {}
        self._clocks: dict[int, int] = {}  # by CPU: tasks of one CPU do not run at the same time
        self._tasks: dict[int, tuple[bytes, int]] = {}
        self._has_times = False
        self._comment: list[tuple[int, bytes]] = []  # positions and lines of a comment that is not closed

    def finish(self) -> Chunk:
        """Return the rest."""
        self._give_up()
        return super().finish()

    def _line(self, line: bytes) -> bool:
        if self._comment:
            is_end = line.rstrip().endswith(b"*/")
            if is_end or (len(self._comment) < _COMMENT_MAX and not is_graph(line)):
                self._comment.append((self._seq, line))
                if is_end:
                    self._close()
                return True
            self._give_up()
        if _NOTE.match(line):
            return True
        switch = _SWITCH.match(line)
        if switch:
            if int(switch[5]) >= PID_END:
                return False
            self._tasks[int(switch[1])] = switch[4].strip(), int(switch[5])
            return True
        lost = grammar.LOST.match(line)
        if lost:
            self._marks.append(Lost(self._seq, int(lost[1]), None if lost[2] is None else int(lost[2])))
            cpu = int(lost[1])
            # Calls may have returned in what was lost; time went on.
            self._tracks.setdefault(self._tasks.get(cpu, (b"", -1 - cpu))[1], _Track()).open.clear()
            return True
        columns, at = _columns(line)
        call = _CALL.match(line, at)
        if call is not None:
            return self._add(columns, call, line[at:])
        if at and _OPEN_COMMENT.match(line, at):
            self._comment.append((self._seq, line))
            return True
        comment = _COMMENT.match(line, at)
        if comment is None or at == 0:
            return False
        return self._event(columns, comment[1])

    def _close(self) -> None:
        """Add the event or the stack of a comment that has several lines."""
        (seq, first), *rest = self._comment
        columns, at = _columns(first)
        begin = _OPEN_COMMENT.match(first, at)
        assert begin is not None  # it opened the comment
        text = b"\n".join([begin[1], *(line for _, line in rest)]).rstrip()[: -len(b"*/")].rstrip()
        title, *frames = text.split(b"\n")
        found = self._task(columns)
        if found is None:
            self._give_up()
            return
        self._comment = []
        if title.strip() not in grammar.STACKS:
            self._event(columns, text)
            return
        task = found[0]
        names = [match[1].strip(b" ") for match in map(grammar.FRAME.match, frames) if match]
        user = grammar.STACKS[title.strip()]
        self._marks.append(
            Stack(seq, task.ts, task.cpu, task.pid, decode(task.comm), user, tuple(map(decode, names)))
        )

    def _give_up(self) -> None:
        """Return the lines of a comment that never ended, or whose numbers no column can hold."""
        for seq, line in self._comment:
            self._marks.append(Unparsed(seq, line))
            self.unparsed += 1
        self._comment = []

    def _task(self, columns: re.Match[bytes]) -> tuple[Task, _Track, int | None] | None:
        """Return what the columns say, the track, and the duration in ns; None if a number is too large."""
        seconds, micros, cpu_text, comm, pid, flags = columns.groups()[:6]
        cpu = int(cpu_text or 0)
        name, thread = self._tasks.get(cpu, (b"", -1 - cpu)) if pid is None else (comm.strip(), int(pid))
        track = self._tracks.get(thread) or _Track()
        now = max(track.now, self._clocks.get(cpu, 0))
        if seconds is not None:
            # The tracers of latencies count microseconds from their begin.
            now = int(seconds) * 1000 if micros is None else int(seconds) * 10**9 + int(micros) * 1000
        task, duration = Task(name, thread, cpu, now, flags=flags or b""), _duration(columns)
        if not task.fits or now + (duration or 0) >= TIME_END:
            return None
        if pid is not None:
            self._tasks[cpu] = name, thread
        self._has_times |= seconds is not None
        track.now = now
        self._tracks[thread] = track
        return task, track, duration

    def _add(self, columns: re.Match[bytes], call: re.Match[bytes], text: bytes) -> bool:
        found = self._task(columns)
        if found is None:
            return False
        task, track, duration = found
        depth = _depth(columns, call)
        if not self._is_indented:
            depth = max(len(track.open) - (call[5] is not None), 0)
        tail = call[6] or b""
        value = _RETVAL.search(tail)
        result = int(value[1], 16 if value[1].startswith(b"0x") else 10) if value else None
        del track.open[depth + (call[5] is not None) :]  # calls whose returns were not seen
        body = decode(text.rstrip())
        if call[5] is None:
            func = decode(call[2])
            fields: dict[str, Value] = {"func": func, "depth": depth}
            if call[3]:
                fields["args"] = decode(call[3])
            caller = _CALLER.search(tail)
            if caller:
                fields["caller"] = decode(caller[1])
            self._records.add(self._seq, task, ENTRY, fields, body)
            while len(track.open) < depth:
                track.open.append(("", task.ts))  # entered before the text began
            track.open.append((func, task.ts))
            if call[4] == b";":
                self._return(task, track, depth, duration, result, f"{call[1].decode()}}} /* {func} */")
        else:
            if len(track.open) <= depth:
                track.open += [("", track.now)] * (depth - len(track.open)) + [(_said(call), track.now)]
            self._return(task, track, depth, duration, result, body)
        return True

    def _return(
        self, task: Task, track: _Track, depth: int, duration: int | None, result: int | None, body: str
    ) -> None:
        func, entered = track.open.pop()
        leaf_or_counted = not self._has_times or task.ts == entered
        end = max(track.now, entered + (duration or 0)) if leaf_or_counted else task.ts
        if not self._has_times:
            track.now = self._clocks[task.cpu] = end
        fields: dict[str, Value] = {"func": func, "depth": depth}
        if duration is not None:
            fields["duration"] = duration
        if result is not None:
            fields["retval"] = result
        self._records.add(self._seq + 1, task._replace(ts=end), EXIT, fields, body)

    def _event(self, columns: re.Match[bytes], text: bytes) -> bool:
        """Add an event that the tracer printed between the calls, as a comment."""
        found = self._task(columns)
        if found is None:
            return False
        name = grammar.EVENT.match(text)
        event, body = (grammar.event_name(name[1]), text[name.end() :]) if name else ("print", text)
        if not self._probe(found[0], event, body):
            self._records.add(self._seq, found[0], event, None, decode(body))
        return True
