"""The contents of a trace.dat file as values, the same for versions 6 and 7.

Times are in nanoseconds unless a name says otherwise.
"""

from dataclasses import dataclass, field
from typing import Literal

from ktrace.tracedat.source import Order

Version = Literal[6, 7]

SHORT_FLAGS = ", 4 flags"
"""Follows the version in `Options.written_by` if the kernel had 4 columns of flags. This is not an option,
because trace-cmd would warn of one that it does not know."""

CALL_TEXTS = ", texts of calls"
"""Follows the version in `Options.written_by` if the kernel records the texts that arguments of system calls
point at. The formats in the file need not show that."""


CLOCKS = ", clocks "
"""Comes before `VALUES` in `Options.written_by`: JSON of the nanoseconds to add to a time of the trace clock
to get that of `mono`, `boot` and `wall`."""

VALUES = ", values "
"""Begins the last note in `Options.written_by`: how values read, as JSON (`Meaning.to_json`), by event and
argument."""


@dataclass(frozen=True, slots=True)
class CpuData:
    """The position of one CPU's pages.

    Attributes:
        cpu: the CPU's number.
        offset: the offset of the first page in the file; if compressed, that of the number of chunks.
        size: the size in the file in bytes; 0 if there are no data.
    """

    cpu: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Buffer:
    """The pages of one tracing instance.

    Attributes:
        name: the instance's name; empty for the top buffer.
        clock: its trace clock; empty if the file does not say.
        page_size: the size of a sub-buffer in bytes, with its header.
        compressed: whether each CPU's data are compressed chunks.
        cpus: the CPUs, in the file's order.
    """

    name: str
    clock: str
    page_size: int
    compressed: bool
    cpus: tuple[CpuData, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A buffer for which the file has the kernel's text instead of pages."""

    name: str
    offset: int
    size: int
    compressed: bool


@dataclass(frozen=True, slots=True)
class ClockSample:
    """At `time` of this machine's clock, `offset` converts it to the peer's clock; see `TimeShift`."""

    time: int
    offset: int
    scaling: int
    fraction_bits: int = 0


@dataclass(frozen=True, slots=True)
class TimeShift:
    """The conversion of a guest's times to its host's.

    Attributes:
        peer: the trace id of the host's recording.
        interpolate: whether to interpolate linearly between two samples.
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
    """The number of each of its CPUs, and the host's thread that runs it."""


@dataclass(frozen=True, slots=True)
class TscToNs:
    """Converts the processor's counter into nanoseconds: `ns = (ticks * mult >> shift) + offset`."""

    mult: int
    shift: int
    offset: int


@dataclass(frozen=True, slots=True)
class Options:
    """Facts about the recording as a whole.

    Attributes:
        date_us: microseconds to add to each time to get the time of day; None if not recorded.
        offset: nanoseconds to add to each time.
        clock: the top buffer's trace clock; empty if the file does not say.
        cpu_count: the number of CPUs; None if the file does not say.
        cpu_stats: the kernel's statistics of each CPU's buffer, as text; see `ktrace.tracefs.stats`.
        trace_id: identifies this recording among others; 0 if it has none.
        others: the numbers and data of other options, which are only copied.
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
    """Everything in a file but its pages.

    Attributes:
        order: the byte order of the numbers in the file and in its pages.
        long_size: the size in bytes of a `long` in programs of the traced machine.
        page_size: the size in bytes of a sub-buffer of the top buffer.
        compression: the name of the compression; empty for none.
        header_page, header_event: the kernel's files of these names.
        ftrace_formats: the `format` file of each of ftrace's own events.
        event_formats: the system and the `format` file of each other event.
        kallsyms, printk_formats, cmdlines: the kernel's files; empty if they were not saved.
        btf: the BTF of vmlinux; empty if it was not saved.
        buffers: the buffers with pages.
        texts: the buffers with text.
        format_places: the offset in the file of each of `ftrace_formats`, then of each of `event_formats`;
            empty if the contents were not read from a file.
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
    btf: bytes = b""
