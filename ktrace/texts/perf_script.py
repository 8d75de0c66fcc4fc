"""The text of `perf script`: samples and tracepoints, each with the stack that was recorded with it.

COMM PID/TID [CPU] TIME: PERIOD GROUP:EVENT: BODY
    ffffffff8509a7fc __schedule+0x5bc ([kernel.kallsyms])
"""

import re
from collections.abc import Iterator, Sequence

from ktrace.model.batch import Chunk, Lost, Stack
from ktrace.texts.by_line import FRAME_MAX, ByLine
from ktrace.texts.records import Task, Value
from ktrace.tracefs.text_grammar import decode

_HEAD = re.compile(
    rb"[ \t]{0,64}(?:([^\n]{1,48}?)[ \t]{1,32})?(-?\d{1,10})(?:/(-?\d{1,10}))?[ \t]{1,16}"
    rb"(?:\[(\d{1,5})\][ \t]{1,16})?(?:([.\w]{5,8})[ \t]{1,16})?(\d{1,12})\.(\d{3,9}):[ \t]{1,64}"
    rb"(?:(\d{1,20})[ \t]{1,64})?"
    rb"(?:([^\s:]{1,256}(?::[^\s:]{1,256})?):(?:[ \t]+|\Z)|(PERF_RECORD_\w{1,64}):?[ \t]*)"
)
_NO_TIME = re.compile(
    rb"(?:([^\n]{1,48}?)[ \t]{1,32})?(-?\d{1,10})(?:/(-?\d{1,10}))?(?=[ \t]|\Z)(?:[ \t]{1,16}\[(\d{1,5})\])?"
    rb"(?:[ \t]{1,64}(?:(\d{1,20})[ \t]{1,64})?([^\s:]{1,256}(?::[^\s:]{1,256})?):)?[ \t]{0,64}"
    rb"(?=\Z|[0-9a-f]{1,16} [^\s(]|(?<=\w: )\S)"
)
"""Samples without their time, `-F comm,pid,ip,sym`: the head alone, or a frame after it."""
_NO_PID = re.compile(
    rb"[ \t]{0,64}+(?:(\S(?:[^\n]{0,46}?\S)??)[ \t]{1,32}+)??(?:\[(\d{1,5})\][ \t]{1,16}+)?"
    rb"(?:(\d{1,12})\.(\d{3,9}):(?:[ \t]{1,64}+|\Z))?"
    rb"(?:(\d{1,20})[ \t]{1,64}+)?(?:([A-Za-z][^\s:]{0,255}(?::[^\s:]{1,256})?):(?:[ \t]+|\Z))?"
    rb"(?=\Z|[0-9a-f]{5,16} [^\s(]|(?<=\w: )\S|(?<=\w:  )\S)"
)
"""Samples without their task, `-F comm,cpu,time,event,ip,sym`: all columns are optional."""
_NOT_COMM = re.compile(
    rb"[ \t]\d{1,10}[ \t]+\[\d{1,5}\][ \t]|\d\d:\d\d:\d\d"
    rb"|(?:\A|[ \t])(?:\[\d{3,5}\]|\d{1,12}\.\d{6,9}:)(?:[ \t]|\Z)"
)
_NO_TASK = b"-1"
_ALONE = 17
"""Columns up to the end of an address that is a sample's own; those of stacks are further to the right."""
_NUMBER = re.compile(rb"\d{1,20}(?:\.\d{1,20})?\Z")
_FRAME = re.compile(rb"[ \t]*([0-9a-f]{1,16})[ \t]+([^\s(][^\n]*)\Z")
_INLINE = re.compile(
    rb"(?<!\w)([0-9a-f]{1,16}) +([^\s(|][^\n]{0,4000}? \((?:[/\[][^\n()]{0,1000}|[^()\n]{0,1000})\))"
    rb"(?=[ \t]|\Z)"
)
"""The address of a sample in its own line; branches may follow."""
_SOURCE = re.compile(rb"[ \t]{1,64}([^\s:][^:\n]{0,1000}:\d{1,7}|[^\s:]{1,256}\+0x[0-9a-f]{1,16}|:0)\Z")
"""The line of the source (`srcline`) of the frame before it."""
_FILE = re.compile(r"(.*?)[ \t]+\(([/\[].*|[^()]*)\)\Z")
_MODIFIERS = re.compile(r"[ukhGHpPSDIWeb]+\Z")
_NOTE = re.compile(rb"\s*\Z|#")
_LOSSES = (b"PERF_RECORD_LOST", b"PERF_RECORD_LOST_SAMPLES")
_LOST = re.compile(rb"lost (\d{1,20})\Z")
_KERNEL = re.compile(r"\[(?:kernel|guest\.kernel)|\[[\w.]+\]\Z|\.ko(?:\.\w+)?\Z")
_NOT_KERNEL = ("[unknown]", "[vdso]", "[vsyscall]", "[heap]", "[stack]", "[anon]")


def is_perf_script(line: bytes) -> bool:
    """Return whether a line begins a record."""
    return _HEAD.match(line) is not None


def has_frames(lines: Sequence[bytes]) -> bool:
    """Return whether lines are heads of samples without a time, each before a frame with its symbol."""
    matches = map(_NO_TIME.match, lines)
    heads = [head if head and not _NOT_COMM.search(head[1] or b"") else None for head in matches]
    if any(head and _is_frame(frame) for head, frame in zip(heads, lines[1:], strict=False)):
        return True
    return any(
        head and head[6] and _INLINE.match(line, head.end()) for head, line in zip(heads, lines, strict=True)
    )


def has_no_pid(lines: Sequence[bytes]) -> bool:
    """Return whether lines are samples without their task: what is said of each, or only the stack."""
    if any(_HEAD.match(line) for line in lines) or has_frames(lines):
        return False
    frames = list(filter(_ends_with_a_frame, lines))
    if any(map(_WIDE.search, frames)) and 2 * len(frames) >= len(lines):
        return True
    return any(map(_is_sure, lines))


_WIDE = re.compile(rb"[ \t][0-9a-f]{12,16} ")


def _ends_with_a_frame(line: bytes) -> bool:
    """Return whether a line is a frame, or a task's name and a frame."""
    if _is_frame(line):
        return True
    head = _NO_PID.match(line)
    return head is not None and bool(head[1]) and _INLINE.match(line, head.end()) is not None


def _is_sure(line: bytes) -> bool:
    """Return whether a line can only be the head of a sample."""
    head = _NO_PID.match(line)
    if head is None or not (head[2] or head[3]):
        return False
    is_last = head.end() == len(line) or _INLINE.match(line, head.end()) is not None
    return is_last if b":" not in (head[6] or b"") else True


def _is_frame(line: bytes) -> bool:
    match = _FRAME.match(line) if len(line) < FRAME_MAX else None
    return match is not None and line[:1] in (b" ", b"\t") and _FILE.match(decode(match[2])) is not None


class PerfScript(ByLine):
    """Parses the text of `perf script`.

    Args:
        has_pid: whether each record has the id of its task.

    Attributes:
        groups: the group of each event that has one.
    """

    def __init__(self, *, has_pid: bool = True) -> None:
        super().__init__()
        self._has_pid = has_pid
        self._seen = {"time": False, "CPU": False}
        self.groups: dict[str, str] = {}
        self._task = Task(b"", 0, 0, 0)
        self._at: int | None = None  # where the record is whose stack may follow
        self._frames: list[tuple[int, tuple[int, str, bool]]] = []  # each with its position
        self._is_after_blank = True
        self._has_no_time = False

    def _line(self, line: bytes) -> bool:
        head = _HEAD.match(line) if self._has_pid else None
        if head is not None:
            self._is_after_blank = self._has_no_time = False
            self._complete()
            return self._head(head, line)
        if _NOTE.match(line):
            self._is_after_blank = True
            self._complete()
            return True
        if not self._has_pid:
            return self._without_pid(line)
        is_head = self._is_after_blank or (self._has_no_time and line[:1] not in (b" ", b"\t"))
        short = _NO_TIME.match(line) if is_head else None
        if short is not None:
            self._complete()
            self._is_after_blank, self._has_no_time = False, True
            return self._sample(short, line)
        if self._frames and _SOURCE.match(line):
            return True
        frame = _FRAME.match(line) if self._at is not None else None
        if frame is not None:
            self._frames.append((self._seq + 1, _frame(frame)))
        return frame is not None

    def _reject(self, line: bytes) -> None:
        """Keep the stack open: only an empty line ends it."""
        at, frames = self._at, self._frames
        self._at, self._frames = None, []
        super()._reject(line)
        self._at, self._frames = at, frames

    def finish(self) -> Chunk:
        """Return the rest."""
        self._complete()
        return super().finish()

    def _head(self, head: re.Match[bytes], line: bytes) -> bool:
        comm, first, second, cpu, flags, whole, part, period, spelled, own = head.groups()
        ts = int(whole) * 10**9 + int(part.ljust(9, b"0"))
        if not self._set_task(comm, first, second, cpu, ts, flags, is_timed=True):
            return False
        body = line[head.end() :].rstrip()
        lost = _LOST.match(body) if (spelled or own) in _LOSSES else None
        if lost is not None:
            self._at = None
            self._marks.append(Lost(self._seq, self._task.cpu if cpu else None, int(lost[1])))
            return True
        self._add(decode(spelled or own), None if period is None else int(period), body)
        return True

    def _sample(self, head: re.Match[bytes], line: bytes) -> bool:
        """Add a sample without a time, and perhaps without an event."""
        comm, first, second, cpu, period, spelled = head.groups()
        if _NOT_COMM.search(comm or b"") or _NUMBER.match(spelled or b""):
            return False  # a head with a time in a form that is not known
        if not self._set_task(comm, first, second, cpu, 0, b""):
            return False
        name = decode(spelled) if spelled else "sample"
        self._add(name, None if period is None else int(period), line[head.end() :].rstrip())
        return True

    def _without_pid(self, line: bytes) -> bool:
        """Add a sample that does not say its task, or a frame of it."""
        if self._frames and _SOURCE.match(line):
            return True
        frame = _FRAME.match(line) if _is_frame(line) else None
        if frame is not None:
            if self._at is None or len(line[: frame.end(1)].expandtabs()) <= _ALONE:
                self._complete()
                self._set_task(None, _NO_TASK, None, None, 0, None)
                self._add("sample", None, b"")
            self._frames.append((self._seq + 1, _frame(frame)))
            return True
        head = _NO_PID.match(line)
        if head is None:
            return False
        comm, cpu, whole, part, period, spelled = head.groups()
        is_last = head.end() == len(line) or _INLINE.match(line, head.end()) is not None
        if not (cpu or whole or (is_last and (spelled or self._is_after_blank or head.end() < len(line)))):
            return False
        self._complete()
        self._is_after_blank = False
        ts = int(whole) * 10**9 + int(part.ljust(9, b"0")) if whole else 0
        if not self._set_task(comm, _NO_TASK, None, cpu, ts, None, is_timed=whole is not None):
            return False
        name = decode(spelled) if spelled else "sample"
        self._add(name, None if period is None else int(period), line[head.end() :].rstrip())
        return True

    @property
    def remarks(self) -> list[str]:
        """Return what the records lack, and the numbers in the place of it."""
        if not self.events:
            return []
        missing = [] if self._has_pid else [f"pid, which is {decode(_NO_TASK)}"]
        missing += [f"{what}, which is 0" for what, seen in self._seen.items() if not seen]
        return [f"no record has a {what}" for what in missing]

    # many parameters: each is a column of the text
    def _set_task(
        self,
        comm: bytes | None,
        first: bytes,
        second: bytes | None,
        cpu: bytes | None,
        ts: int,
        flags: bytes | None,
        *,
        is_timed: bool = False,
    ) -> bool:
        pid, tgid = (int(second), int(first)) if second else (int(first), 0)
        task = Task((comm or b"").strip(b" \t"), pid, int(cpu or 0), ts, max(tgid, 0), flags or b"")
        if not task.fits:
            return False
        self._task = task
        self._seen["CPU"] |= cpu is not None
        self._seen["time"] |= is_timed
        return True

    def _add(self, spelled: str, period: int | None, body: bytes) -> None:
        self._at = self._seq
        group, _, event = spelled.rpartition(":")
        if group and (_MODIFIERS.match(event) or not event):
            group, event = "", group
        if group:
            self.groups[event] = group
        fields: dict[str, Value] = {} if period is None or group else {"period": period}
        frame = None if group else _address(body)
        if frame is not None:
            self._frames.append((self._seq + 1, _frame(frame)))
            self._complete()  # a sample with an address in its line has no other
        if not self._probe(self._task, event, body):
            self._records.add(self._seq, self._task, event, fields or None, decode(body))

    def _complete(self) -> None:
        """Add the stack of the last record: its part in the kernel, then that in the program."""
        frames = self._frames
        self._at, self._frames = None, []
        split = next((i for i, (_, (_, _, kernel)) in enumerate(frames) if not kernel), len(frames))
        for number, part in enumerate((frames[:split], frames[split:])):
            if part:
                self._marks.append(_stack(part[0][0], self._task, [one for _, one in part], user=number == 1))


def _address(body: bytes) -> re.Match[bytes] | None:
    """Return the address of a sample in its own line. The columns of `perf mem`, before it, have bars."""
    bar = body.rfind(b" |")
    return _INLINE.search(body, bar + 2) if bar >= 0 else _INLINE.match(body) or _FRAME.match(body)


def _frame(match: re.Match[bytes]) -> tuple[int, str, bool]:
    """Return the address, the name, and whether it is in the kernel."""
    text = decode(match[2]).rstrip()
    file = _FILE.match(text) if len(text) < FRAME_MAX else None
    name, place = (file[1], file[2]) if file else (text, "")
    ip = int(match[1], 16)
    # The file of a frame that was inlined, or of a BPF program, does not tell.
    in_kernel = place not in _NOT_KERNEL and (ip >> 63 == 1 or _KERNEL.search(place) is not None)
    return ip, name if name != "[unknown]" else f"{name} ({place})", in_kernel


def _stack(seq: int, task: Task, frames: Sequence[tuple[int, str, bool]], *, user: bool) -> Stack:
    return Stack(
        seq=seq,
        ts=task.ts,
        cpu=task.cpu,
        pid=task.pid,
        comm=decode(task.comm),
        user=user,
        frames=tuple(_names(frames)),
        flags=decode(task.flags),
        tgid=task.tgid or None,
        ips=tuple(ip for ip, _, _ in frames),
    )


def _names(frames: Sequence[tuple[int, str, bool]]) -> Iterator[str]:
    for _, name, _ in frames:
        yield name
