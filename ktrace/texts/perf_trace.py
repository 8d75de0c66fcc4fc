"""The text of `perf trace`: system calls with their duration and result, and other events.

      1255.802 (13.773 ms): cat/333 openat(dfd: CWD, filename: "/etc/passwd", flags: RDONLY)  = 3
         0.490 (         ): sh/347 wait4(upid: -1) ...
         0.000 sh/357 sched:sched_switch(prev_comm: "sh", prev_pid: 357 (sh))

Times are in milliseconds. A call becomes a record of `sys_enter_NAME` and one of `sys_exit_NAME`.
"""

import re

from ktrace.model.batch import Lost, Stack
from ktrace.texts import arguments
from ktrace.texts.by_line import FRAME_MAX, ByLine
from ktrace.texts.records import Task, Value
from ktrace.tracefs.text_grammar import decode

_HEAD = re.compile(
    rb"[ \t]{0,32}(?:(\d{1,12})\.(\d{3})|\?)[ \t]{1,8}"
    rb"(?:\([ \t]{0,16}(?:(\d{1,12})\.(\d{3}) ms)?[ \t]{0,16}\):[ \t]{1,8})?"
    rb"(?:([^\n]{0,16}?)/(\d{1,10})[ \t]{1,4}|(\d{1,10})[ \t]{1,4})?"
    rb"(?=\.\.\. \[continued\]|[ \t]?\w[\w:.-]{0,128}[(:\[ ])"
)
_CALL = re.compile(r"(\w{1,64})\((.*)\)[ \t]*(?:= ([^=]*)|\.\.\.[ \t]*)\Z")
_OPEN_CALL = re.compile(r"(\w{1,64})\((.*)\)()[ \t]*\Z")
"""A call without a result, such as exit_group."""
_LOST = re.compile(rb"LOST (\d{1,20}) events!\Z")
_CONTINUED = re.compile(r"[ \t]*\.\.\. \[continued\]: (\w{1,64})\(\)?\)[ \t]*= (.*)\Z")
_EVENT = re.compile(r"([\w-]{1,64}):([\w-]{1,128})(?:\((.*)\)[ \t]*\Z|:(.*))")
_FAULT = re.compile(r"(m(?:in|aj)fault) (\[.*)\Z")
_FRAME = re.compile(r"[ \t]{8,64}(\S.*?) \((.*)\)[ \t]*\Z")
_NOTE = re.compile(rb"\s*\Z|#")


def is_perf_trace(line: bytes) -> bool:
    """Return whether a line is a record."""
    head = _HEAD.match(line)
    if head is None:
        return False
    text = decode(line[head.end() :]).strip()
    return any(pattern.match(text) for pattern in (_CALL, _OPEN_CALL, _CONTINUED, _EVENT, _FAULT))


class PerfTrace(ByLine):
    """Parses the text of `perf trace`.

    Attributes:
        groups: the group of each event that has one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.groups: dict[str, str] = {}
        self._now = 0
        self._has_pid = False
        self._task = Task(b"", 0, 0, 0)
        self._at: int | None = None
        self._frames: list[str] = []

    @property
    def remarks(self) -> list[str]:
        """Return what the records lack, and the numbers in the place of it."""
        return [] if self._has_pid or not self.events else ["no record has a pid, which is -1"]

    def _line(self, line: bytes) -> bool:
        if self._at is not None and len(line) < FRAME_MAX and (frame := _FRAME.match(decode(line))):
            self._frames.append(frame[1])
            return True
        if _NOTE.match(line):
            return True
        lost = _LOST.match(line)
        if lost is not None:
            self._complete()
            self._marks.append(Lost(self._seq, None, int(lost[1])))
            return True
        head = _HEAD.match(line)
        if head is None:
            return False
        self._complete()
        text = decode(line[head.end() :]).strip()
        whole, part, took, took_part, comm, pid, bare = head.groups()
        if whole is not None:
            self._now = int(whole) * 10**6 + int(part) * 1000
        duration = None if took is None else int(took) * 10**6 + int(took_part) * 1000
        self._task = Task(comm or b"", int(pid or bare or -1), 0, self._now)
        self._has_pid |= self._task.pid >= 0
        if not self._task.fits or not self._record(text, duration):
            return False
        self._at = self._seq
        return True

    def _record(self, text: str, duration: int | None) -> bool:
        task = self._task
        call, continued = _CALL.match(text) or _OPEN_CALL.match(text), _CONTINUED.match(text)
        event, fault = _EVENT.match(text), _FAULT.match(text)
        if continued:
            self._exit(task._replace(ts=task.ts + (duration or 0)), continued[1], continued[2])
        elif call:
            fields = arguments.named(call[2])
            if fields is None:
                return False
            entry = text[: call.end(2) + 1]
            self._records.add(self._seq, task, f"sys_enter_{call[1]}", fields, entry, titled=False)
            if call[3] and call[3].strip() != "?":  # it never returned
                self._exit(task._replace(ts=task.ts + (duration or 0)), call[1], call[3])
        elif event:
            self.groups[event[2]] = event[1]
            body = event[3] if event[3] is not None else event[4].removesuffix(")")
            if not self._probe(task, event[2], body.encode("utf-8", "surrogateescape")):
                self._records.add(self._seq, task, event[2], arguments.named(body), body)
        elif fault:
            self._records.add(self._seq, task, fault[1], None, fault[2])
        else:
            return False
        return True

    def _exit(self, task: Task, name: str, text: str) -> None:
        fields: dict[str, Value] = {"ret": arguments.result(text.strip())}
        body = f"{name} -> {text.strip()}"
        self._records.add(self._seq + 1, task, f"sys_exit_{name}", fields, body, titled=False)

    def _complete(self) -> None:
        at, frames = self._at, self._frames
        self._at, self._frames = None, []
        if at is not None and frames:
            task = self._task
            # The position of the line with the first frame.
            self._marks.append(
                Stack(at + 2, task.ts, task.cpu, task.pid, decode(task.comm), True, tuple(frames))
            )
