"""Records that were read one by one, gathered into batches."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Column, Kind, Strings
from ktrace.model.format import Arg, Signature
from ktrace.tracefs.text_grammar import Header, decode, split_place
from ktrace.tracefs.text_shape import Value

_Key = tuple[str, Kind, Signature | None, bool]


@dataclass(frozen=True, slots=True)
class _Row:
    seq: int
    header: Header
    place: bytes
    values: tuple[Value, ...]


@dataclass(slots=True)
class Rows:
    """Records of any events, in stream order."""

    _groups: dict[_Key, list[_Row]] = field(default_factory=dict)

    def add_probe(
        self, seq: int, header: Header, signature: Signature, place: bytes, values: tuple[Value, ...]
    ) -> None:
        """A probe event's record; `values` one for each argument of `signature`."""
        kind: Kind = "return" if signature.is_return else "entry"
        key = (signature.event, kind, signature, header.ticks)
        self._groups.setdefault(key, []).append(_Row(seq, header, place, values))

    def add_text(self, seq: int, header: Header, event: str, body: bytes) -> None:
        """A static event's record."""
        key: _Key = (event, "text", None, header.ticks)
        self._groups.setdefault(key, []).append(_Row(seq, header, b"", (decode(body),)))

    def batches(self) -> list[Batch]:
        """One for each event and signature."""
        return [_batch(key, rows) for key, rows in self._groups.items()]


def _batch(key: _Key, rows: list[_Row]) -> Batch:
    event, kind, signature, ticks = key
    heads = [row.header for row in rows]
    args = signature.args if signature else (Arg("body", "str"),)
    values = list(zip(*(row.values for row in rows), strict=True))
    has_tgid = any(h.tgid is not None for h in heads)
    places = [row.place for row in rows]
    place, func, ret_ip = places_of(places, kind)
    return Batch(
        event=event,
        kind=kind,
        seq=np.array([row.seq for row in rows], np.int64),
        ts=np.array([h.ts for h in heads], np.int64),
        cpu=np.array([h.cpu for h in heads], np.int32),
        pid=np.array([h.pid for h in heads], np.int32),
        tgid=np.array([h.tgid or 0 for h in heads], np.int32) if has_tgid else None,
        comm=Strings.of(decode(h.comm) for h in heads),
        flags=Strings.of(decode(h.flags) for h in heads),
        columns={arg.name: _column(arg, column) for arg, column in zip(args, values, strict=True)},
        place=place,
        func=func,
        ret_ip=ret_ip,
        signature=signature,
        ticks=ticks,
    )


def places_of(places: Sequence[bytes], kind: Kind) -> tuple[Strings | None, Strings | None, Strings | None]:
    """The columns `place`, `func` and `ret_ip` for what stands between the parentheses, one a row."""
    if kind == "entry":
        return Strings.of(map(decode, places)), None, None
    if kind == "return":
        pairs = [split_place(place) or (b"", b"") for place in places]
        sites = Strings.of(decode(site) for site, _ in pairs)
        return None, Strings.of(decode(func) for _, func in pairs), sites
    return None, None, None


def _column(arg: Arg, values: Sequence[Value]) -> Column:
    if arg.print_as in ("dec", "hex"):
        return integers(values)
    if arg.length is None:
        return Strings.of(v if isinstance(v, str) else None for v in values)
    column = np.empty(len(values), object)
    column[:] = values if arg.length == 0 else None
    for i, value in enumerate(values):
        column[i] = value
    return column


def integers(values: Sequence[Value]) -> Column:
    """int64 if it holds them all, else uint64, else object."""
    wide = np.array(values, object)
    return narrow(wide)


def narrow(wide: NDArray[np.object_]) -> Column:
    """The narrowest of int64, uint64 and object that holds every int of an object array."""
    low, high = (wide.min(), wide.max()) if wide.size else (0, 0)
    if low >= -(2**63) and high < 2**63:
        return wide.astype(np.int64)
    return wide.astype(np.uint64) if low >= 0 and high < 2**64 else wide
