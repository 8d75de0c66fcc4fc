"""Options of a trace.dat file: numbered pieces of data, with a decoder and an encoder for each kind.

See trace-cmd.dat.v7(5), "OPTIONS SECTION". Unknown options are copied unchanged. An option that is too short
is an error.
"""

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ktrace.tracedat.contents import ClockSample, Guest, Options, TimeShift, TscToNs
from ktrace.tracedat.source import Cursor, Memory, Order

DONE, DATE, CPUSTAT, BUFFER, TRACECLOCK, UNAME, HOOK, OFFSET, CPUCOUNT, VERSION = range(10)
PROCMAPS, TRACEID, TIME_SHIFT, GUEST, TSC2NSEC, STRINGS = range(10, 16)
HEADERS, FTRACE_FORMATS, EVENT_FORMATS, KALLSYMS, PRINTK, CMDLINES, BUFFER_TEXT = range(16, 23)
BTF, LAST_BOOT_INFO, MODULES = 23, 24, 25

_SILENT = (HOOK, PROCMAPS, STRINGS, LAST_BOOT_INFO)
"""Options that change nothing that is shown, or are looked at elsewhere."""

_INTERPOLATE = 1  # flag of TIME_SHIFT
_MAX_CPUS = 1 << 16
_BITS = 64
_FARTHEST = 1 << 62  # nanoseconds, 146 years: with a record's time it fits into 64 bits


@dataclass(frozen=True, slots=True)
class Pointers:
    """Options that point to other parts of the file.

    Attributes:
        sections: by option number, the offset of the section with its data (version 7).
        buffers, texts: the data of each BUFFER and BUFFER_TEXT option.
        following: the offset of the next section of options; 0 for none.
    """

    sections: dict[int, int] = field(default_factory=dict)
    buffers: tuple[Memory, ...] = ()
    texts: tuple[Memory, ...] = ()
    following: int = 0


def parse(
    found: Iterable[tuple[int, int, bytes]], name: str, order: Order, options: Options | None = None
) -> tuple[Options, Pointers]:
    """Decode options.

    Args:
        found: the number, offset in the file, and data of each option.
        name: the file's name, for errors.
        options: the options decoded so far.

    Raises:
        Damaged: an option is too short, or is not a number where one is required.
    """
    known = options or Options()
    sections: dict[int, int] = {}
    buffers: list[Memory] = []
    texts: list[Memory] = []
    following = 0
    for number, at, data in found:
        memory = Memory(name, data, at)
        if number == DONE:
            following = Cursor(memory, order).number(8)
        elif number == BUFFER:
            buffers.append(memory)
        elif number == BUFFER_TEXT:
            texts.append(memory)
        elif number in (HEADERS, FTRACE_FORMATS, EVENT_FORMATS, KALLSYMS, PRINTK, CMDLINES):
            sections[number] = Cursor(memory, order).number(8)
        else:
            if number == BTF and len(data) >= 8:
                sections[number] = Cursor(memory, order).number(8)
            known = _add(known, number, memory, data, order)
    return known, Pointers(sections, tuple(buffers), tuple(texts), following)


def skipped_options(options: Options, *, has_btf: bool = False) -> list[str]:
    """Return a remark on each kind of option or section that is not used."""
    silent = (*_SILENT, BTF) if has_btf else _SILENT
    numbers = dict.fromkeys(number for number, _ in options.others if number not in silent)
    names = {BTF: "the BTF of the traced kernel", MODULES: "the traced kernel's list of modules"}
    return [f"{names.get(n, f'option {n}, which ktrace does not know,')} is skipped" for n in numbers]


def _add(known: Options, number: int, memory: Memory, data: bytes, order: Order) -> Options:
    """Return the options with one more."""
    at = Cursor(memory, order)
    match number:
        case 1:  # DATE
            return replace(known, date_us=_time(memory, data, 1000))
        case 2:  # CPUSTAT
            # trace-cmd puts headings of instances among them, and a byte after each.
            text = _text(data).rstrip("\n") + "\n"
            return replace(known, cpu_stats=(*known.cpu_stats, text))
        case 4:  # TRACECLOCK
            return replace(known, clock=selected_clock(_text(data)))
        case 5:  # UNAME
            return replace(known, uname=_text(data))
        case 7:  # OFFSET
            return replace(known, offset=_time(memory, data, 1))
        case 8:  # CPUCOUNT
            return replace(known, cpu_count=at.number(4))
        case 9:  # VERSION
            return replace(known, written_by=_text(data))
        case 11:  # TRACEID
            return replace(known, trace_id=at.number(8))
        case 12:  # TIME_SHIFT
            return replace(known, shifts=(*known.shifts, _time_shift(at)))
        case 13:  # GUEST
            return replace(known, guests=(*known.guests, _guest(at)))
        case 14:  # TSC2NSEC
            return replace(known, tsc=_tsc(at))
    return replace(known, others=(*known.others, (number, data)))


def selected_clock(text: str) -> str:
    """Return the clock in brackets in a `trace_clock` file, or the only one.

    >>> selected_clock("local global [mono] boot")
    'mono'
    """
    match = re.search(r"\[(\S+)\]", text)
    words = text.split()
    return match[1] if match else words[0] if len(words) == 1 else ""


def _time_shift(at: Cursor) -> TimeShift:
    peer, flags, count = at.number(8), at.number(4), _count(at, _MAX_CPUS)
    columns = []
    for _ in range(count):
        samples = _count(at, (at.end - at.at) // 24)
        columns.append([[_signed(at) for _ in range(samples)] for _ in range(3)])
    cpus = []
    for times, offsets, scalings in columns:
        # Recordings by trace-cmd before 3.1 lack these.
        rest = at.end - at.at >= 8 * len(times)
        bits = [at.number(8) if rest else 0 for _ in times]
        cpus.append(tuple(map(ClockSample, times, offsets, scalings, bits)))
    return TimeShift(peer, bool(flags & _INTERPOLATE), tuple(cpus))


def _guest(at: Cursor) -> Guest:
    name, trace_id = at.text(), at.number(8)
    return Guest(
        name, trace_id, tuple((at.number(4), at.number(4)) for _ in range(_count(at, (at.end - at.at) // 8)))
    )


def _count(at: Cursor, limit: int) -> int:
    start = at.at
    count = at.number(4)
    if count > limit:
        raise at.source.damaged(f"{count} entries cannot be in here", start)
    return count


def _signed(at: Cursor) -> int:
    return int.from_bytes(at.take(8), at.order, signed=True)


def _text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _tsc(at: Cursor) -> TscToNs:
    start = at.at
    made = TscToNs(at.number(4), at.number(4), _signed(at))
    if made.shift >= _BITS or abs(made.offset) > _FARTHEST:
        raise at.source.damaged(f"ticks cannot be converted to nanoseconds by {made}", start)
    return made


def _time(memory: Memory, data: bytes, unit: int) -> int:
    """Read a number in units of `unit` nanoseconds, to be added to 64-bit times."""
    text = _text(data).strip()
    try:
        value = int(text, 0)
    except ValueError:
        raise memory.damaged(f"{text[:40]!r} is not a number", 0) from None
    if abs(value) * unit > _FARTHEST:
        raise memory.damaged(f"{text[:40]} is too large: a time has 64 bits", 0)
    return value


def encode(options: Options, order: Order) -> list[tuple[int, bytes]]:
    """Return the number and data of each option that is set; the inverse of `parse`."""
    mark = "<" if order == "little" else ">"
    found: list[tuple[int, bytes]] = []
    if options.date_us is not None:
        found.append((DATE, _nul(hex(options.date_us))))
    found += [(CPUSTAT, _nul(text)) for text in options.cpu_stats]
    if options.clock:
        found.append((TRACECLOCK, _nul(f"[{options.clock}]")))
    if options.uname:
        found.append((UNAME, _nul(options.uname)))
    if options.offset:
        found.append((OFFSET, _nul(str(options.offset))))
    if options.cpu_count is not None:
        found.append((CPUCOUNT, struct.pack(mark + "I", options.cpu_count)))
    if options.written_by:
        found.append((VERSION, _nul(options.written_by)))
    if options.trace_id:
        found.append((TRACEID, struct.pack(mark + "Q", options.trace_id)))
    found += [(TIME_SHIFT, _encode_shift(shift, mark)) for shift in options.shifts]
    for guest in options.guests:
        head = _nul(guest.name) + struct.pack(mark + "QI", guest.trace_id, len(guest.pids))
        found.append((GUEST, head + b"".join(struct.pack(mark + "II", *pair) for pair in guest.pids)))
    if options.tsc:
        tsc = options.tsc
        found.append((TSC2NSEC, struct.pack(mark + "IIq", tsc.mult, tsc.shift, tsc.offset)))
    return [*found, *options.others]


def _encode_shift(shift: TimeShift, mark: str) -> bytes:
    flags = _INTERPOLATE if shift.interpolate else 0
    out = struct.pack(mark + "QII", shift.peer, flags, len(shift.cpus))
    for samples in shift.cpus:
        out += struct.pack(mark + "I", len(samples))
        for values in (
            [s.time for s in samples],
            [s.offset for s in samples],
            [s.scaling for s in samples],
        ):
            out += struct.pack(f"{mark}{len(values)}q", *values)
    for samples in shift.cpus:
        out += struct.pack(f"{mark}{len(samples)}Q", *(s.fraction_bits for s in samples))
    return out


def _nul(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape") + b"\0"
