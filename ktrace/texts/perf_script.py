"""The text of `perf script`: samples and tracepoints, each with the stack that was recorded with it.

COMM PID/TID [CPU] TIME: PERIOD GROUP:EVENT: BODY
    ffffffff8509a7fc __schedule+0x5bc ([kernel.kallsyms])
"""

import re
from collections.abc import Iterator, Sequence

from ktrace.model.batch import Chunk, Stack
from ktrace.texts.by_line import FRAME_MAX, ByLine
from ktrace.texts.records import Task, Value
from ktrace.tracefs.text_batches import Rows
from ktrace.tracefs.text_grammar import Header, decode
from ktrace.tracefs.text_shapes import Shapes

_HEAD = re.compile(
    rb"[ \t]{0,64}([^\n]{1,48}?)[ \t]{1,32}(-?\d{1,10})(?:/(\d{1,10}))?[ \t]{1,16}"
    rb"(?:\[(\d{1,5})\][ \t]{1,16})?(?:([.\w]{5})[ \t]{1,16})?(\d{1,12})\.(\d{3,9}):[ \t]{1,64}"
    rb"(?:(\d{1,20})[ \t]{1,64})?"
    rb"(?:([^\s:]{1,256}(?::[^\s:]{1,256})?):(?:[ \t]+|\Z)|(PERF_RECORD_\w{1,64}):?)"
)
_FRAME = re.compile(rb"[ \t]*([0-9a-f]{1,16})[ \t]+([^\s(][^\n]*)\Z")
_FILE = re.compile(r"(.*?) \(([/\[].*|[^()]*)\)\Z")
_MODIFIERS = re.compile(r"[ukhGHpPSDIWeb]+\Z")
_NOTE = re.compile(rb"\s*\Z|#")
_KERNEL = re.compile(r"\[(?:kernel|guest\.kernel)|\[[\w.]+\]\Z|\.ko(?:\.\w+)?\Z")
_NOT_KERNEL = ("[unknown]", "[vdso]", "[vsyscall]", "[heap]", "[stack]", "[anon]")


def is_perf_script(line: bytes) -> bool:
    """Return whether a line begins a record."""
    return _HEAD.match(line) is not None


class PerfScript(ByLine):
    """Parses the text of `perf script`.

    Attributes:
        groups: the group of each event that has one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.groups: dict[str, str] = {}
        self._shapes = Shapes({})
        self._rows = Rows()
        self._task = Task(b"", 0, 0, 0)
        self._at: int | None = None  # where the record is whose stack may follow
        self._frames: list[tuple[int, str, bool]] = []

    def _line(self, line: bytes) -> bool:
        head = _HEAD.match(line)
        if head is not None:
            self._complete()
            return self._head(head, line)
        frame = _FRAME.match(line) if self._at is not None else None
        if frame is not None:
            self._frames.append(_frame(frame))
            return True
        if _NOTE.match(line):
            self._complete()
            return True
        return False

    def _head(self, head: re.Match[bytes], line: bytes) -> bool:
        comm, first, second, cpu, flags, whole, part, period, spelled, own = head.groups()
        ts = int(whole) * 10**9 + int(part.ljust(9, b"0"))
        pid, tgid = (int(second), int(first)) if second else (int(first), 0)
        self._task = Task(comm, pid, int(cpu or 0), ts, max(tgid, 0), flags or b"")
        if not self._task.fits:
            return False
        self._at = self._seq
        group, _, event = decode(spelled or own).rpartition(":")
        if group and (_MODIFIERS.match(event) or not event):
            group, event = "", group
        if group:
            self.groups[event] = group
        body = line[head.end() :].rstrip()
        fields: dict[str, Value] = {} if period is None or group else {"period": int(period)}
        frame = None if group else _FRAME.match(body)
        if frame is not None:
            self._frames.append(_frame(frame))
        if not self._probe(event, body):
            self._records.add(self._seq, self._task, event, fields or None, decode(body))
        return True

    def _probe(self, event: str, body: bytes) -> bool:
        """Add the record of a probe; return whether it is one."""
        if not body.startswith(b"(") or not self._shapes.is_probe(event, body, 0, len(body)):
            return False
        hit = self._shapes.match(event, body, 0, len(body), first_end=len(body))
        if hit is None:
            return False
        task = self._task
        header = Header(task.comm, task.pid, task.tgid, task.cpu, task.flags, task.ts, False, 0)
        self._rows.add_probe(self._seq, header, *hit)
        return True

    def _made(self) -> Chunk:
        rows, self._rows = self._rows, Rows()
        probes = tuple(rows.batches())
        self.events += sum(map(len, probes))
        made = super()._made()
        return Chunk(made.batches + probes, made.marks)

    def _complete(self) -> None:
        """Add the stack of the last record: its part in the kernel, then that in the program."""
        at, frames = self._at, self._frames
        self._at, self._frames = None, []
        if at is None or not frames:
            return
        split = next((i for i, (_, _, kernel) in enumerate(frames) if not kernel), len(frames))
        for number, part in enumerate((frames[:split], frames[split:])):
            if part:
                # Frames have their own lines, whose positions are free.
                self._marks.append(_stack(at + 1 + number, self._task, part, user=number == 1))


def _frame(match: re.Match[bytes]) -> tuple[int, str, bool]:
    """Return the address, the name, and whether it is in the kernel."""
    text = decode(match[2]).rstrip()
    file = _FILE.match(text) if len(text) < FRAME_MAX else None
    name, place = (file[1], file[2]) if file else (text, "")
    ip = int(match[1], 16)
    in_kernel = bool(_KERNEL.search(place)) and place not in _NOT_KERNEL if place else ip >> 63 == 1
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
