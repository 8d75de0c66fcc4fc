"""Building lines as the kernel prints them, and reading parsed chunks back as plain tuples."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Strings
from ktrace.model.format import Arg, Signature
from ktrace.tracefs import text_lines
from ktrace.tracefs.pipe_text import TextParser

SITE = b"(vfs_read+0x4/0x370)"


def line(
    body: bytes,
    comm: bytes = b"bash",
    pid: int = 12,
    cpu: int = 1,
    flags: bytes | None = b".....",
    time: bytes = b"    3.125954",
    tgid: bytes | None = None,
) -> bytes:
    """`%16s-%-7d {(%7d) }[%03d] FLAGS TIME: BODY\\n`; `time` with the blanks before it."""
    group = b"" if tgid is None else b"(" + tgid.rjust(7) + b") "
    head = comm.rjust(16) + b"-" + str(pid).encode().ljust(7) + b" " + group + b"[%03d] " % cpu
    return head + (b"" if flags is None else flags) + b" " + time + b": " + body + b"\n"


def probe(args: bytes, event: bytes = b"kp", place: bytes = SITE, **header: object) -> bytes:
    """A line of a probe event; `args` with the blank before them."""
    return line(event + b": " + place + args, **header)  # type: ignore[arg-type]


def signature(*args: str, event: str = "kp", is_return: bool = False) -> dict[str, Signature]:
    """Arguments as `name:kind` or `name:kind:length`."""
    parsed = []
    for arg in args:
        name, kind, *length = arg.split(":")
        parsed.append(Arg(name, kind, int(length[0]) if length else None))  # type: ignore[arg-type]
    return {event: Signature(event, tuple(parsed), is_return=is_return)}


@contextmanager
def reading(how: str) -> Iterator[None]:
    """Make every buffer go the `fast` way, or every record the `slow` one."""
    before = text_lines._MANY
    text_lines._MANY = 1 if how == "fast" else 1 << 60
    try:
        yield
    finally:
        text_lines._MANY = before


def parse(
    text: bytes, signatures: dict[str, Signature] | None = None, cuts: Iterable[int] = ()
) -> tuple[list[tuple], TextParser]:
    """Everything in `text`, fed in pieces that end at `cuts`."""
    parser = TextParser(signatures or {})
    chunks = []
    last = 0
    for cut in [*sorted(cuts), len(text)]:
        chunks.append(parser.feed(text[last:cut]))
        last = cut
    chunks.append(parser.finish())
    return flat(chunks), parser


def flat(chunks: Iterable[Chunk]) -> list[tuple]:
    """All records and marks in stream order: `(seq, ...)`."""
    items: list[tuple] = []
    for chunk in chunks:
        rows = [row for batch in chunk.batches for row in _rows(batch)]
        rows += [(mark.seq, mark) for mark in chunk.marks]
        items += sorted(rows, key=lambda row: row[0])
    assert [i[0] for i in items] == sorted({i[0] for i in items}), "seq must increase"
    return items


def _rows(batch: Batch) -> Iterator[tuple]:
    def text(strings: Strings | None, row: int) -> str | None:
        return None if strings is None else strings[row]

    columns = {name: column.tolist() for name, column in batch.columns.items()}
    for row in range(len(batch)):
        values = {name: column[row] for name, column in columns.items()}
        tgid = None if batch.tgid is None else int(batch.tgid[row]) or None
        yield (
            int(batch.seq[row]), batch.event, batch.kind, int(batch.ts[row]), int(batch.cpu[row]),
            int(batch.pid[row]), tgid, batch.comm[row], batch.flags[row], text(batch.place, row),
            text(batch.func, row), text(batch.ret_ip, row), batch.ticks, values,
        )  # fmt: skip


def args_of(items: list[tuple]) -> list[dict]:
    """The arguments of the events among `items`."""
    return [item[-1] for item in items if len(item) > 2]
