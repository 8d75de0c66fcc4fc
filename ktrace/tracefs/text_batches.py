"""Collect records that were parsed one by one into batches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch
from ktrace.model.column import Column, Strings
from ktrace.model.format import Arg, Signature
from ktrace.model.path_columns import with_joined_paths
from ktrace.tracefs.text_grammar import ARROW, Header, decode
from ktrace.tracefs.text_shape import Found, Shape, Value

_Key = tuple[str, Shape | None, bool, bool]


class _Row(NamedTuple):
    seq: int
    header: Header
    place: bytes
    values: tuple[Value, ...]


@dataclass(slots=True)
class Rows:
    """Records of any events, in stream order."""

    _groups: dict[_Key, list[_Row]] = field(default_factory=dict)

    def add_probe(self, seq: int, header: Header, shape: Shape, found: Found) -> None:
        """Add a probe event's record as `shape` parsed it."""
        key = (shape.signature.event, shape, header.ticks, True)
        self._groups.setdefault(key, []).append(_Row(seq, header, found.place, found.values))

    def add_text(self, seq: int, header: Header, event: str, body: bytes, *, titled: bool = True) -> None:
        """Add a static event's record; `titled` tells whether its name preceded the body."""
        self._groups.setdefault((event, None, header.ticks, titled), []).append(
            _Row(seq, header, b"", (decode(body),))
        )

    def batches(self) -> list[Batch]:
        """Return one batch for each event and signature."""
        return [_batch(key, rows) for key, rows in self._groups.items()]


def _batch(key: _Key, rows: list[_Row]) -> Batch:
    event, shape, ticks, titled = key
    signature = shape.signature if shape else None
    args = signature.args if signature else (Arg("body", "str"),)
    seqs, heads, places, values = zip(*rows, strict=True)
    comm, pid, tgid, cpu, flags, ts, *_ = zip(*heads, strict=True)
    place, func, ret_ip = _places(places, signature)
    return Batch(
        event=event,
        kind="text" if signature is None else "return" if signature.is_return else "entry",
        seq=np.array(seqs, np.int64),
        ts=np.array(ts, np.int64),
        cpu=np.array(cpu, np.int32),
        pid=np.array(pid, np.int32),
        tgid=np.array([t or 0 for t in tgid], np.int32) if any(t is not None for t in tgid) else None,
        comm=Strings.of(map(decode, comm)),
        flags=Strings.of(map(decode, flags)),
        columns=with_joined_paths(
            {
                arg.name: _column(arg, column)
                for arg, column in zip(args, zip(*values, strict=True), strict=True)
            }
        ),
        place=place,
        func=func,
        ret_ip=ret_ip,
        signature=signature,
        ticks=ticks,
        titled=titled,
    )


def _places(
    places: Sequence[bytes], signature: Signature | None
) -> tuple[Strings | None, Strings | None, Strings | None]:
    """Return the columns `place`, `func` and `ret_ip` for the text in parentheses of each row."""
    if signature is None:
        return None, None, None
    if not signature.is_return:
        return Strings.of(map(decode, places)), None, None
    pairs = [place.partition(ARROW) for place in places]
    sites, _, funcs = zip(*pairs, strict=True)
    return None, Strings.of(map(decode, funcs)), Strings.of(map(decode, sites))


def _column(arg: Arg, values: Sequence[Value]) -> Column:
    if arg.print_as == "hex":
        return np.array(values, np.uint64)
    if arg.print_as == "dec":
        return _narrow(np.array(values, object))
    if arg.length is None:
        return Strings.of(v if isinstance(v, str) else None for v in values)
    column = np.empty(len(values), object)
    for i, value in enumerate(values):
        column[i] = value
    return column


def _narrow(wide: NDArray[np.object_]) -> Column:
    """Return the narrowest of int64, uint64 and object that holds every int of an object array."""
    low, high = (wide.min(), wide.max()) if wide.size else (0, 0)
    if low >= -(2**63) and high < 2**63:
        return wide.astype(np.int64)
    return wide.astype(np.uint64) if low >= 0 and high < 2**64 else wide
