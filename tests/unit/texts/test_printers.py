"""Read back what a kernel prints with any options, or do not understand it: no value is wrong."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.texts.reading import rows

PLACE = b"(vfs_read+0x4/0x370)"


@dataclass(frozen=True)
class Printer:
    """The options and the kernel with which a trace is printed (kernel/trace/trace_output.c).

    Attributes:
        columns: of flags: 4 before Linux 5.16, 5 since, up to 7 on kernels for real time.
    """

    columns: int
    irq_info: bool
    tgid: bool
    clock: str
    latency: str

    def head(self, record: "Record") -> bytes:
        flags = record.flags[: self.columns]
        if self.latency == "verbose":
            return b"%16b %7d %3d %d %08x %08x " % (
                record.comm,
                record.pid,
                record.cpu,
                0,
                2,
                7,
            ) + self.verbose(record)
        if self.latency == "plain":
            head = b"%8.8b-%-7d %3d" % (record.comm, record.pid, record.cpu) + flags
            return head + (b" %4d: " if self.clock == "ticks" else b" %4dus : ") % (record.time % 10**6)
        head = b"%16b-%-7d " % (record.comm, record.pid)
        if self.tgid:
            head += b"(%7d) " % record.tgid if record.tgid else b"(-------) "
        head += b"[%03d] " % record.cpu + (flags if self.irq_info else b"")
        if self.clock == "ticks":
            return head + b" %12d: " % record.time
        return head + b" %5d.%06d: " % divmod(record.time, 10**6)

    def verbose(self, record: "Record") -> bytes:
        if self.clock == "ticks":
            return b"[%08x] %d (+%d): " % (record.time, record.time, 5)
        return b"[%08x] %d.%03dms (+%d.%03dms): " % (record.time, *divmod(record.time % 10**6, 1000), 0, 5)

    def time(self, record: "Record") -> int:
        time = record.time % 10**6 if self.latency == "plain" else record.time
        return time if self.clock == "ticks" else time * 1000


@dataclass(frozen=True)
class Record:
    """A record, with its time in microseconds or ticks."""

    comm: bytes
    pid: int
    tgid: int
    cpu: int
    flags: bytes
    time: int
    body: bytes
    event: str
    fields: dict[str, Any]


pieces = st.sampled_from(
    [
        *(
            b"a",
            b"Z",
            b"7",
            b" ",
            b"-",
            b"[",
            b"]",
            b":",
            b": ",
            b"/",
            b"=",
            b"(",
            b")",
            b"<",
            b">",
            b".",
            b"|",
        ),
        *(b"#", b"&lt;", b"-1 [000]", b"[001] ", b"pid=", b"==> ", b"> ", b"09:15:45 ", b"1 ", b"\t"),
        *(b"\xc3\xa9", b"\xe6\x97\xa5"),
    ]
)
comms = (
    st.lists(pieces, min_size=1, max_size=6).map(lambda parts: b"".join(parts)[:15].strip(b" \t") or b"x")
    | st.sampled_from([b"bash", b"<idle>", b"<...>", b"kworker/u16:3-1", b"a" * 15])
)  # fmt: skip
small = st.integers(0, 4194304)


@st.composite
def bodies(draw: Any) -> tuple[bytes, str, dict[str, Any]]:
    which = draw(st.integers(0, 5))
    number = draw(small)
    if which == 0:
        comm = draw(comms)
        values = {
            "comm": comm.decode("utf-8", "surrogateescape"),
            "pid": number,
            "prio": 120,
            "target_cpu": 3,
        }
        return (
            b"sched_waking: comm=%b pid=%d prio=120 target_cpu=003" % (comm, number),
            "sched_waking",
            values,
        )
    if which == 1:
        return b"kp: %b a=%d h=0x%x" % (PLACE, -number, number), "kp", {"a": -number, "h": number}
    if which == 2:
        return b"vfs_read <-ksys_read", "function", {"ip": "vfs_read", "parent_ip": "ksys_read"}
    if which == 3:
        text = draw(comms)
        values = {"body": text.decode("utf-8", "surrogateescape")}
        return b"tracing_mark_write: " + text, "tracing_mark_write", values
    if which == 4:
        return b"sys_read(fd: %x, buf: 7f00)" % number, "sys_enter_read", {"fd": number, "buf": 0x7F00}
    return (
        b"irq_handler_entry: irq=%d name=eth0" % number,
        "irq_handler_entry",
        {"irq": number, "name": "eth0"},
    )


@st.composite
def records(draw: Any) -> Record:
    body, event, values = draw(bodies())
    return Record(
        draw(comms), draw(small), draw(st.sampled_from([0, 1, 4194304])), draw(st.integers(0, 999)),
        draw(st.sampled_from([b".......", b"d..1...", b"DNLh1..", b"dNs2.33", b"X.pZ1.."])),
        draw(st.integers(0, 2**31) | st.integers(0, 10**7)), body, event, values,
    )  # fmt: skip


printers = st.builds(
    Printer,
    columns=st.sampled_from([4, 5, 6, 7]),
    irq_info=st.booleans(),
    tgid=st.booleans(),
    clock=st.sampled_from(["time", "ticks"]),
    latency=st.sampled_from(["", "", "plain", "verbose"]),
)


@settings(max_examples=500, deadline=None)
@given(printers, st.lists(records(), min_size=1, max_size=5), st.booleans())
def test_what_is_printed_is_read_back(printer: Printer, some: list[Record], header: bool) -> None:
    lines = [printer.head(record) + record.body for record in some]
    text = b"# tracer: nop\n#\n" * header + b"".join(line + b"\n" for line in lines)
    found, reader = rows(text)
    assert len(found) == len(some)
    for row, record, line in zip(found, some, lines, strict=True):
        if "unparsed" in row:
            assert row["unparsed"] == line
            continue
        comm = (record.comm[:8] if printer.latency == "plain" else record.comm).strip(b" \t")
        assert (row["comm"], row["pid"], row["cpu"], row["event"], row["fields"]) == (
            comm.decode("utf-8", "surrogateescape"), record.pid, record.cpu, record.event, record.fields
        ), reader.notes  # fmt: skip
        assert (row["ts"], row["ticks"]) == (printer.time(record), printer.clock == "ticks")


@settings(max_examples=200, deadline=None)
@given(printers, st.lists(records(), min_size=2, max_size=5))
def test_usual_records_are_all_understood(printer: Printer, some: list[Record]) -> None:
    text = b"".join(printer.head(record) + record.body + b"\n" for record in some)
    plain = all(record.comm.replace(b"/", b"").isalnum() for record in some)
    assert not plain or rows(text)[1].unparsed == 0
