"""Batches: many records of one event as NumPy columns, and the marks between them that are not events.

Every source (the kernel's text, pages of its ring buffer, a file) produces `Chunk`s: batches of one
event each, and marks. `seq` is the position of each record in the stream. A sink uses it to put the
records of several batches back into their original order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.model.column import Column, Strings
from ktrace.model.format import Format, Signature
from ktrace.model.frame import column_name, require_polars, series
from ktrace.model.lookups import Lookups
from ktrace.model.muted import Muted
from ktrace.model.short_repr import ROWS, batch_line, batch_table
from ktrace.records import dataclass

if TYPE_CHECKING:
    import polars as pl


Kind = Literal["entry", "return", "text", "fields"]
"""`entry` and `return` are probes. `text` is a static event whose body is a single column named `body`.
`fields` is a static event whose fields are columns: decoded from binary, or parsed from its text."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Many records of one event. Every column has one row for each record, in stream order.

    `batch["count"]` is the column of an argument or field, `batch.ts` one that every record has. For
    programs that import ktrace, `_INTERNAL` names the attributes that may change.

    Attributes:
        event: the event's name, without its group.
        kind: which attributes the records have in addition to `columns`: see `Kind`.
        seq: int64, shape (rows,): the record's position in the stream. It increases from record to record
            over all batches and marks, and may have gaps. From text it is the line number, from 0.
        ts: int64, shape (rows,): time in nanoseconds of the trace clock; with `ticks`, the raw count of
            a clock that does not count nanoseconds.
        cpu: int32, shape (rows,).
        pid: int32, shape (rows,): thread id.
        tgid: int32, shape (rows,): process id, 0 where the kernel did not know it; None if not recorded.
        comm: the task's name.
        flags: the latency columns as the kernel prints them, such as `d..1.`; empty if not recorded.
        columns: a column for each argument or field, in order; only `body` for kind `text`.
        place: where an entry probe was hit, such as `vfs_read+0x4/0x370`; None for other kinds.
        func: the function that a return probe returned from; None for other kinds.
        ret_ip: the address returned to, such as `ksys_read+0x6f/0xf0`; None for other kinds.
        signature: how the kernel's text formats the arguments; None for kind `text`.
        ticks: whether `ts` counts something other than nanoseconds (counter, uptime, x86-tsc).
        titled: whether the event's name precedes the body in the kernel's text.
        body: the text from which `columns` were parsed; None if there is none, and for kind `text`.
        format: the layout of binary records. For kind `fields`, its `print_fmt` formats the body.
        addresses: uint64, from binary records of a probe: `__probe_ip`, or `__probe_func` and
            `__probe_ret_ip`, and each argument that is shown as a symbol, by its name. Empty from text.
        lengths: int64: the bytes that a text of varying length takes in its record, NULs included, by the
            text's name, where the `print_fmt` needs it. Empty from text.
        common_flags: int32: `common_flags` of the record, with `common_preempt_count` in the next 8 bits;
            `flags` is made from it. None from text.
        lookups: tables of the kernel that made the records; None from text.
        origin: which of several recordings or instances the records are from; empty if there is only one.
    """

    event: str
    kind: Kind
    seq: NDArray[np.int64]
    ts: NDArray[np.int64]
    cpu: NDArray[np.int32]
    pid: NDArray[np.int32]
    tgid: NDArray[np.int32] | None
    comm: Strings
    flags: Strings
    columns: Mapping[str, Column] = field(default_factory=dict)
    place: Strings | None = None
    func: Strings | None = None
    ret_ip: Strings | None = None
    signature: Signature | None = None
    ticks: bool = False
    titled: bool = True
    body: Strings | None = None
    addresses: Mapping[str, NDArray[np.uint64]] = field(default_factory=dict)
    lengths: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    format: Format | None = None
    common_flags: NDArray[np.int32] | None = None
    lookups: Lookups | None = None
    origin: str = ""

    def __len__(self) -> int:
        return len(self.seq)

    def __getitem__(self, name: str) -> Any:
        """Return `columns[name]`. What it is depends on the field: `Column` lists the forms.

        Raises:
            KeyError: the event has no such argument or field.
        """
        return self.columns[name]

    def __dir__(self) -> list[str]:
        return [name for name in object.__dir__(self) if name not in _INTERNAL]

    def __repr__(self) -> str:
        return f"<Batch {self._line()}>"

    def _repr_html_(self) -> str:
        """Return a table of the first records, for notebooks."""
        few = self.take(slice(ROWS))
        own: dict[str, Column | None] = {"ts": few.ts, "cpu": few.cpu, "pid": few.pid, "comm": few.comm}
        places = {"ip": few.place, "func": few.func, "ret_ip": few.ret_ip}
        fields = {column_name(name): column for name, column in few.columns.items()}
        return batch_table(self._line(), len(self), {**own, **places, **fields})

    def _line(self) -> str:
        times = (int(self.ts[0]), int(self.ts[-1])) if len(self) else None
        return batch_line(self.event, len(self), times, tuple(self.columns), ticks=self.ticks)

    def to_polars(self) -> "pl.DataFrame":
        """Return the records as a Polars frame, one row for each record.

        Columns are `ts`, `cpu`, `pid`, `tgid`, `comm`, `flags`, `event`, of probes `ip`, or `func` and
        `ret_ip`, and then the fields; a field with one of these names is `arg_NAME`.

        Raises:
            Unavailable: Polars is not installed.
        """
        return to_frame(self)

    def take(self, rows: NDArray[Any] | slice) -> "Batch":
        """Return the records that an index array, a mask or a slice selects.

        batch.take(batch["count"] > 4096)
        """

        def some(strings: Strings | None) -> Strings | None:
            return None if strings is None else strings.take(rows)

        columns = {n: c.take(rows) if isinstance(c, Strings) else c[rows] for n, c in self.columns.items()}
        return replace(
            self,
            seq=self.seq[rows],
            ts=self.ts[rows],
            cpu=self.cpu[rows],
            pid=self.pid[rows],
            tgid=None if self.tgid is None else self.tgid[rows],
            comm=self.comm.take(rows),
            flags=self.flags.take(rows),
            columns=columns,
            place=some(self.place),
            func=some(self.func),
            ret_ip=some(self.ret_ip),
            body=some(self.body),
            addresses={name: column[rows] for name, column in self.addresses.items()},
            lengths={name: column[rows] for name, column in self.lengths.items()},
            common_flags=None if self.common_flags is None else self.common_flags[rows],
        )


_INTERNAL = frozenset(
    {"addresses", "lengths", "common_flags", "format", "lookups", "signature", "titled"}
    | {"_line", "_repr_html_"}
)
"""Attributes that `dir` of a batch leaves out: only code that prints records needs them."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The kernel overwrote records before they were read.

    Attributes:
        seq: position in the stream, as in `Batch`.
        cpu: the CPU whose buffer lost them.
        count: how many records; None if the kernel does not say.
        origin: as in `Batch`.
    """

    seq: int
    cpu: int | None
    count: int | None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack trace, innermost frame first. It belongs to the previous record of the same task.

    Attributes:
        seq: position in the stream, as in `Batch`.
        ts: as in `Batch`.
        cpu: processor number.
        pid: thread id.
        comm: the task's name.
        user: whether this is a user-space stack.
        frames: each as the kernel prints it: a symbol, `<0000000000433e3d>`, `path[+0xOFF]`.
        flags: as in `Batch`.
        tgid: process id; None if unknown.
        ticks: as in `Batch`.
        ips: the frames' addresses, from binary; empty from text.
        common_flags: as in `Batch`; -1 from text.
        origin: as in `Batch`.
    """

    seq: int
    ts: int
    cpu: int
    pid: int
    comm: str
    user: bool
    frames: tuple[str, ...]
    flags: str = ""
    tgid: int | None = None
    ticks: bool = False
    ips: tuple[int, ...] = ()
    common_flags: int = -1
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Missed:
    """Hits of a probe that made no record: a probe hit inside another, or too few return instances.

    Attributes:
        seq: position in the stream, as in `Batch`; the kernel counts these hits, but not when they happened.
        event: the event's name.
        count: how many hits.
    """

    seq: int
    event: str
    count: int


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A line of text that could not be parsed, or a description of binary data that could not be decoded.

    Attributes:
        seq: position in the stream, as in `Batch`.
        line: the line without its newline. From binary: the CPU, the offset in its data, and the problem.
    """

    seq: int
    line: bytes


@dataclass(frozen=True, slots=True)
class Unread:
    """Records left in the kernel's buffer when the run ended. It is the last mark of the stream.

    Attributes:
        seq: position in the stream, as in `Batch`.
        count: how many records.
    """

    seq: int
    count: int


@dataclass(frozen=True, slots=True)
class Silent:
    """Events that could not be hit at this position of the stream.

    Attributes:
        seq: position in the stream, as in `Batch`.
        muted: which events, and why.
    """

    seq: int
    muted: Muted


Mark: TypeAlias = Lost | Stack | Missed | Unparsed | Unread | Silent


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the stream. Every record in it comes after those of earlier chunks.

    Attributes:
        batches: one event each; an event may have several batches.
        marks: everything that is not an event, in order.
    """

    batches: tuple[Batch, ...] = ()
    marks: tuple[Mark, ...] = ()

    def __len__(self) -> int:
        """Return the number of records in all batches. Marks are not counted."""
        return sum(map(len, self.batches))


def to_frame(batch: Batch, only: Iterable[str] | None = None) -> "pl.DataFrame":
    """Return the batch as a Polars frame, one row for each record.

    Args:
        batch: `ts`, `cpu`, `pid`, `comm`, `flags` and `event` always become columns; `tgid`, `ip`,
            `func` and `ret_ip` if it has them.
        only: the columns to include; None for all.

    Raises:
        Unavailable: Polars is not installed.
    """
    require_polars("a frame")
    import polars as pl  # noqa: PLC0415 -- an extra, and slow to load

    wanted = None if only is None else set(only)
    own: dict[str, Column | str | None] = {
        "ts": batch.ts,
        "cpu": batch.cpu,
        "pid": batch.pid,
        "tgid": batch.tgid,
        "comm": batch.comm,
        "flags": batch.flags,
        "event": batch.event,
        "ip": batch.place,
        "func": batch.func,
        "ret_ip": batch.ret_ip,
    }
    fields = {column_name(name): column for name, column in batch.columns.items()}
    columns = {
        name: series(column, len(batch))
        for name, column in {**own, **fields}.items()
        if column is not None and (wanted is None or name in wanted)
    }
    return pl.DataFrame(columns)
