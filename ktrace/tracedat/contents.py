"""What a trace.dat file holds, as values: the same for versions 6 and 7.

Times are in nanoseconds unless a name says otherwise.
"""

from dataclasses import dataclass, field
from typing import Literal

from ktrace.tracedat.source import Order

Version = Literal[6, 7]

SHORT_FLAGS = ", 4 flags"
"""Behind the version in `Options.written_by`: the kernel had 4 columns of flags. No option is made for it:
trace-cmd would warn of one that it does not know."""

CALL_TEXTS = ", texts of calls"
"""The same, of a kernel that records the texts that arguments of system calls point at: the formats in the
file need not tell."""


@dataclass(frozen=True, slots=True)
class CpuData:
    """Where one CPU's pages are.

    Attributes:
        cpu: the processor's number.
        offset: of the first page in the file; with `compressed` of the number of chunks.
        size: bytes in the file; 0 without data.
    """

    cpu: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Buffer:
    """The pages of one tracing instance.

    Attributes:
        name: the instance's; empty for the top buffer.
        clock: its trace clock; empty where the file does not say.
        page_size: bytes of a sub-buffer, with its header.
        compressed: whether each CPU's data are chunks to be unpacked.
        cpus: in the file's order.
    """

    name: str
    clock: str
    page_size: int
    compressed: bool
    cpus: tuple[CpuData, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A buffer of which the file holds the kernel's text in place of pages."""

    name: str
    offset: int
    size: int
    compressed: bool


@dataclass(frozen=True, slots=True)
class ClockSample:
    """At `time` of this machine's clock, `offset` brings it to the peer's; see `TimeShift`."""

    time: int
    offset: int
    scaling: int
    fraction_bits: int = 0


@dataclass(frozen=True, slots=True)
class TimeShift:
    """How a guest's times become its host's.

    Attributes:
        peer: trace id of the host's recording.
        interpolate: whether offsets between two samples lie on a line.
        cpus: the samples of each CPU, in order of time.
    """

    peer: int
    interpolate: bool
    cpus: tuple[tuple[ClockSample, ...], ...]


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest that was recorded together with this host."""

    name: str
    trace_id: int
    pids: tuple[tuple[int, int], ...]
    """Of each of its CPUs the number, and the thread of the host that runs it."""


@dataclass(frozen=True, slots=True)
class TscToNs:
    """`ns = (ticks * mult >> shift) + offset` turns the processor's counter into nanoseconds."""

    mult: int
    shift: int
    offset: int


@dataclass(frozen=True, slots=True)
class Options:
    """What is said of the recording as a whole.

    Attributes:
        date_us: microseconds to add to each time for the time of day; None: not recorded.
        offset: nanoseconds to add to each time.
        clock: the top buffer's; empty where the file does not say.
        cpu_count: None: not said.
        cpu_stats: the kernel's account of each CPU's buffer, as text; see `ktrace.tracefs.stats`.
        trace_id: names this recording among others; 0 without one.
        others: options that are only carried along: number and data.
    """

    date_us: int | None = None
    offset: int = 0
    clock: str = ""
    cpu_count: int | None = None
    cpu_stats: tuple[str, ...] = ()
    uname: str = ""
    written_by: str = ""
    trace_id: int = 0
    tsc: TscToNs | None = None
    shifts: tuple[TimeShift, ...] = ()
    guests: tuple[Guest, ...] = ()
    others: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """All of a file but its pages.

    Attributes:
        order: byte order of the numbers in the file, and in its pages.
        long_size: bytes of a `long` in the traced machine's programs.
        page_size: bytes of a sub-buffer of the top buffer.
        compression: the name of what compressed it; empty for nothing.
        header_page, header_event: the kernel's files of these names.
        ftrace_formats: of the kernel's own events, each as its `format` file.
        event_formats: of the others, each with its system.
        kallsyms, printk_formats, cmdlines: the kernel's files; empty where they were not saved.
        buffers: those with pages.
        texts: those with text.
        format_places: where in the file each of `ftrace_formats` begins, then of `event_formats`; empty for
            contents that were not read from a file.
    """

    version: Version
    order: Order
    long_size: int
    page_size: int
    compression: str = ""
    header_page: str = ""
    header_event: str = ""
    ftrace_formats: tuple[str, ...] = ()
    event_formats: tuple[tuple[str, str], ...] = ()
    kallsyms: bytes = b""
    printk_formats: bytes = b""
    cmdlines: bytes = b""
    options: Options = field(default_factory=Options)
    buffers: tuple[Buffer, ...] = ()
    texts: tuple[Text, ...] = ()
    format_places: tuple[int, ...] = field(default=(), compare=False)
