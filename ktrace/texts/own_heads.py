"""The texts of tracers that print their own heads: mmiotrace, and blk with its option blk_classic.

R 4 123.456789 1 0xfd000000 0x4a0200a1 0xffffffffa0123460 0    Documentation/trace/mmiotrace.rst
8,0    3   245.000012345  1234  Q  WS 12345678 + 8 [dd]        kernel/trace/blktrace.c; blkparse
"""

import re

from ktrace.model.batch import Lost
from ktrace.texts.by_line import ByLine
from ktrace.texts.records import Task, Value
from ktrace.tracefs.text_grammar import MARKER, decode
from ktrace.tracefs.text_tracers import tracer_fields

_TIME = rb"(\d{1,10})\.(\d{6})"
_HEX = rb"0x([0-9a-f]{1,16})"
_NOBODY = -1
"""The task of a record whose text has none. mmiotrace prints 0 in its place."""

_ACCESS = re.compile(
    rb"([RW]) (\d{1,3}) " + _TIME + rb" (\d{1,10}) " + _HEX + rb" " + _HEX + rb" " + _HEX + rb" (\d{1,10})\Z"
)
_ODD_ACCESS = re.compile(
    rb"UNKNOWN " + _TIME + rb" (\d{1,10}) " + _HEX
    + rb" (?:0x)?([0-9a-f]{2}),([0-9a-f]{2}),([0-9a-f]{2}) " + _HEX + rb" (\d{1,10})\Z"
)  # fmt: skip
_MAP = re.compile(
    rb"MAP "
    + _TIME
    + rb" (\d{1,10}) "
    + _HEX
    + rb" "
    + _HEX
    + rb" "
    + _HEX
    + rb" "
    + _HEX
    + rb" (\d{1,10})\Z"
)
_UNMAP = re.compile(rb"UNMAP " + _TIME + rb" (\d{1,10}) " + _HEX + rb" (\d{1,10})\Z")
_MARK = re.compile(rb"MARK " + _TIME + rb" ([^\n]*)\Z")
_LOST = re.compile(rb"Lost (\d{1,20}) events\.\Z")
_MACHINE = re.compile(rb"(PCIDEV|LSPCI) ([^\n]*)\Z")
_NOTE = re.compile(rb"\s*\Z|#|VERSION \d{8}\Z")

_CLASSIC = re.compile(
    rb"[ \t]{0,32}(\d{1,4},\d{1,8})[ \t]{1,16}(\d{1,5})(?:[ \t]{1,16}\d{1,10})?[ \t]{1,16}"
    rb"(\d{1,10})\.(\d{6,9})[ \t]{1,16}(\d{1,10})[ \t]{1,16}(?=[A-Za-z])"
)


def is_mmiotrace(line: bytes) -> bool:
    """Return whether a line is a record of mmiotrace."""
    return any(one.match(line) for one in (_ACCESS, _ODD_ACCESS, _MAP, _UNMAP))


def is_classic_blk(line: bytes) -> bool:
    """Return whether a line is a record of the tracer blk, in the form of blkparse."""
    return _blk(line) is not None


class MmioTrace(ByLine):
    """Parses the text of mmiotrace, into the events `mmiotrace_rw` and `mmiotrace_map` of the kernel."""

    def _line(self, line: bytes) -> bool:
        line = line.rstrip()
        if _NOTE.match(line):
            return True
        if (machine := _MACHINE.match(line)) is not None:
            self._records.add(
                self._seq, Task(b"", _NOBODY, 0, 0), decode(machine[1]), None, decode(machine[2])
            )
            return True
        if (mark := _MARK.match(line)) is not None:
            lost = _LOST.match(mark[3])
            if lost is None:
                self._add(mark[1], mark[2], b"0", MARKER, None, decode(mark[3]))
            else:
                self._marks.append(Lost(self._seq, None, int(lost[1])))
            return True
        if (access := _ACCESS.match(line)) is not None:
            opcode, width, whole, part, number, phys, value, pc, pid = access.groups()
            fields: dict[str, Value] = {"opcode": decode(opcode), "width": int(width), "map_id": int(number)}
            fields |= {"phys": int(phys, 16), "value": int(value, 16), "pc": int(pc, 16)}
            return self._add(whole, part, pid, "mmiotrace_rw", fields, decode(line))
        if (access := _ODD_ACCESS.match(line)) is not None:
            whole, part, number, phys, high, middle, low, pc, pid = access.groups()
            fields = {"opcode": "UNKNOWN", "map_id": int(number), "phys": int(phys, 16)}
            fields |= {"value": int(high + middle + low, 16), "pc": int(pc, 16)}
            return self._add(whole, part, pid, "mmiotrace_rw", fields, decode(line))
        if (mapped := _MAP.match(line)) is not None:
            whole, part, number, phys, virt, length, pc, pid = mapped.groups()
            fields = {"opcode": "MAP", "map_id": int(number), "phys": int(phys, 16), "virt": int(virt, 16)}
            fields |= {"len": int(length, 16), "pc": int(pc, 16)}
            return self._add(whole, part, pid, "mmiotrace_map", fields, decode(line))
        if (mapped := _UNMAP.match(line)) is not None:
            whole, part, number, pc, pid = mapped.groups()
            fields = {"opcode": "UNMAP", "map_id": int(number), "pc": int(pc, 16)}
            return self._add(whole, part, pid, "mmiotrace_map", fields, decode(line))
        return False

    # many parameters: each is a column of the text
    def _add(
        self, whole: bytes, part: bytes, pid: bytes, event: str, fields: dict[str, Value] | None, body: str
    ) -> bool:
        task = Task(b"", int(pid) or _NOBODY, 0, int(whole) * 10**9 + int(part) * 1000)
        if not task.fits:
            return False
        self._records.add(self._seq, task, event, fields, body, titled=event == MARKER)
        return True


class ClassicBlk(ByLine):
    """Parses the text of the tracer blk in the form of blkparse, into records of `blk`."""

    def _line(self, line: bytes) -> bool:
        if _NOTE.match(line):
            return True
        found = _blk(line)
        if found is None:
            return False
        task, body = found
        self._records.add(self._seq, task, "blk", None, body, titled=False)
        return True


def _blk(line: bytes) -> tuple[Task, str] | None:
    """Return the task of a record of blk, and its text as that of the tracer without blk_classic."""
    head = _CLASSIC.match(line)
    if head is None:
        return None
    dev, cpu, whole, part, pid = head.groups()
    body = decode(dev + b" " + line[head.end() :].rstrip())
    fields = tracer_fields("blk", body)
    if fields is None:
        return None
    ts = int(whole) * 10**9 + int(part.ljust(9, b"0"))
    # Between brackets is the task's name, but at the end of a request, where the error is.
    task = Task(fields.get("comm", "").encode("utf-8", "surrogateescape"), int(pid), int(cpu), ts)
    return (task, body) if task.fits else None
