"""Batches built by hand: columns of every form, and many of them."""

import numpy as np

from ktrace.model.batch import Batch, Chunk, Lost, Stack
from ktrace.model.column import Strings

INVALID = b"caf\xe9".decode(errors="surrogateescape")


def batch(event="e", *, seq=None, ts=None, pid=None, cpu=None, comm="sh", kind="fields", **rest):
    """A batch with the columns given, or one row where there are none."""
    columns = {name: value for name, value in rest.items() if name not in _OWN}
    rows = next((len(c) for c in (*columns.values(), seq, ts) if c is not None), 1)
    seq = np.arange(rows) if seq is None else np.array(seq)
    own = {name: rest[name] for name in _OWN if name in rest}
    own.setdefault("tgid", None)
    own.setdefault("flags", Strings.of(["....."] * rows))
    return Batch(
        event=event,
        kind=kind,
        seq=seq.astype(np.int64),
        ts=(seq * 1000 if ts is None else np.array(ts)).astype(np.int64),
        cpu=np.zeros(rows, np.int32) if cpu is None else np.array(cpu, np.int32),
        pid=np.full(rows, 7, np.int32) if pid is None else np.array(pid, np.int32),
        comm=Strings.of([comm] * rows if isinstance(comm, str) else comm),
        columns=columns,
        **own,
    )


_OWN = (
    "addresses",
    "tgid",
    "flags",
    "place",
    "func",
    "ret_ip",
    "signature",
    "ticks",
    "format",
    "lookups",
    "common_flags",
)


def everything(rows: int = 700, seed: int = 1) -> Chunk:
    """Two events and marks between them: all forms of columns, and values at the edges."""
    dice = np.random.default_rng(seed)
    words = [
        "plain",
        "",
        None,
        INVALID,
        'quo"te',
        "a,b",
        "100%",
        "new\nline",
        "\x1b[2J",
        "\u202e\u00e9",
        "{}",
    ]
    text = Strings(dice.integers(0, len(words), rows).astype(np.int32), tuple(words))
    many = Strings.of([f"name {i}" for i in dice.integers(0, rows, rows).tolist()])
    seq = dice.permutation(3 * rows)
    first = batch(
        "every form",
        seq=np.sort(seq[:rows]),
        pid=dice.integers(0, 1 << 22, rows),
        cpu=dice.integers(0, 3, rows),
        comm=[f"task%{i}" for i in dice.integers(0, 5, rows).tolist()],
        tgid=dice.integers(0, 3, rows).astype(np.int32),
        place=Strings.of(["vfs_read+0x4/0x370"] * rows),
        kind="entry",
        u64=dice.integers(2**63 - 2, 2**64 - 1, rows, np.uint64),
        s64=dice.integers(-(2**63), 2**63 - 1, rows, np.int64),
        u8=dice.integers(0, 255, rows, np.uint8),
        few=dice.integers(-2, 3, rows).astype(np.int16),
        big=np.array([2**64 - 1 if i % 2 else -1 for i in range(rows)], object),
        array=dice.integers(0, 2**64 - 1, (rows, 2), np.uint64),
        strings=_lists([["a", None] if i % 3 else ["b,", '"'] for i in range(rows)]),
        text=text,
        many=many,
    )
    second = batch(
        "other",
        seq=np.sort(seq[rows : 2 * rows]),
        cpu=[63] * rows,
        kind="return",
        func=Strings.of(["vfs_read"] * rows),
        ret_ip=Strings.of(["ksys_read+0x6f/0xf0"] * rows),
        text=text,
        u64=np.arange(rows, dtype=np.uint64),
    )
    bare = batch("bare", seq=np.sort(seq[2 * rows : 2 * rows + 300]))
    marks = (Lost(-1, 1, 12), Stack(3 * rows, 5, 1, 7, "sh", True, ("main",)), Lost(3 * rows + 1, None, None))
    return Chunk((first, second, bare), marks)


def _lists(values):
    column = np.empty(len(values), object)
    column[:] = values
    return column
