"""Add names of tasks, symbols and flags to records that were decoded from binary.

Each name is computed once for each distinct value, never for each row.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Chunk, Mark, Stack
from ktrace.model.column import Column, Strings
from ktrace.model.lookups import Lookups
from ktrace.ringbuffer.interning import Interner, distinct
from ktrace.ringbuffer.layout import PageLayout
from ktrace.stream.flags import FlagStyle
from ktrace.stream.function_arguments import FunctionArguments
from ktrace.stream.saved_names import Names, shown_names
from ktrace.stream.symbol_table import SymbolTable

if TYPE_CHECKING:
    from ktrace.stream.messages import Messages

_FEW = 8
_PIDS = 1 << 22  # the kernel's largest thread id


class Enrich:
    """Adds what the decoder cannot know.

    Args:
        names: gives the names of tasks; called for each chunk, since they change.
        symbols: the kernel's symbols; a callable is called when the first address needs a name.
        style: how flags are printed.
        event_of: returns `SYSTEM.NAME` for the id of an event, for probes on events.
        texts: the kernel's strings that records point to, by address.
        btf: describes the kernel's functions; empty if there is none.
        call_texts: as in `Lookups`.
        layout: tells the kernel's size of `long` and order of bytes.
    """

    # many parameters: each is another source of what the records lack; all but two have defaults
    def __init__(
        self,
        names: Names,
        symbols: SymbolTable | Callable[[], SymbolTable],
        style: FlagStyle | None = None,
        event_of: Callable[[int], str | None] = lambda _: None,
        texts: Callable[[int], str | None] = lambda _: None,
        *,
        btf: bytes = b"",
        call_texts: bool = False,
        layout: PageLayout | None = None,
    ) -> None:
        self._names = names
        self._load = symbols if callable(symbols) else None
        self._table = None if callable(symbols) else symbols
        self._tasks = _Tasks()
        self._flags = _Flags(style or FlagStyle())
        self._event_of = event_of
        self._lookups = Lookups(
            lambda address, offset: self.symbols.pointer(address, offset=offset),
            texts,
            arguments=FunctionArguments(
                btf,
                self._name,
                "the recording's BTF",
                long=layout.long if layout else 8,
                big_endian=layout is not None and layout.big_endian,
            ),
            task=lambda pid: self._known({pid})[pid],
            call_texts=call_texts,
            long=layout.long if layout else 8,
            big_endian=layout is not None and layout.big_endian,
        )
        self._messages: Messages | None = None
        self._interners: dict[tuple[str, str], Interner] = {}

    @property
    def symbols(self) -> SymbolTable:
        """Return the kernel's symbols."""
        if self._table is None:
            assert self._load is not None
            self._table = self._load()
        return self._table

    def load(self) -> None:
        """Load the symbols now instead of when the first address needs a name."""
        assert self.symbols

    def tasks(self, pids: NDArray[np.int32]) -> Strings:
        """Return the task name of each row."""
        slots = self._tasks.slots(pids)
        self._tasks.name(self._known(self._tasks.used([slots])))
        return self._tasks.strings(slots)

    def flags(self, common: NDArray[np.int32]) -> Strings:
        """Return the flags of each row as text."""
        return self._flags.strings(common)

    def __call__(self, chunk: Chunk) -> Chunk:
        """Return the chunk with everything filled in."""
        stacks = [mark for mark in chunk.marks if isinstance(mark, Stack) and mark.common_flags >= 0]
        slots = [self._tasks.slots(batch.pid) for batch in chunk.batches]
        pids = self._tasks.used(slots)
        known = self._known(pids | {stack.pid for stack in stacks})
        self._tasks.name(known)
        batches = tuple(
            self._batch(batch, some) if batch.common_flags is not None else batch
            for batch, some in zip(chunk.batches, slots, strict=True)
        )
        marks = chunk.marks
        if stacks:
            marks = tuple(self._mark(mark, known) for mark in marks)
        return Chunk(batches, marks)

    def _known(self, pids: set[int]) -> dict[int, str]:
        return shown_names(self._names, pids)

    def _message_column(self, batch: Batch) -> dict[str, Column]:
        """Return the column with the messages of trace_printk."""
        if self._messages is None:
            from ktrace.stream.messages import Messages  # noqa: PLC0415 -- loads all of printf; it is rare

            self._messages = Messages(self._lookups)
        return self._messages.column(batch)

    def _batch(self, batch: Batch, slots: NDArray[np.int32]) -> Batch:
        assert batch.common_flags is not None
        columns: dict[str, Column] = dict(batch.columns)
        if batch.format is not None and batch.format.has_message:
            columns |= self._message_column(batch)
        places: dict[str, Strings] = {}
        for name, addresses in batch.addresses.items():
            if name in columns:
                # A probe's argument is any address; a tracer's field is a function.
                spell = self._name if batch.kind == "fields" else self._place
                columns[name] = self._spell(batch.event, name, addresses, spell)
            elif name == "__probe_type":
                places["place"] = self._spell(batch.event, name, addresses, self._event)
            elif name == "__probe_func":
                places["func"] = self._spell(batch.event, name, addresses, self._name)
            else:
                key = "ret_ip" if name == "__probe_ret_ip" else "place"
                places[key] = self._spell(batch.event, name, addresses, self._place)
        return replace(
            batch,
            comm=self._tasks.strings(slots),
            flags=self._flags.strings(batch.common_flags),
            columns=columns,
            place=places.get("place"),
            func=places.get("func"),
            ret_ip=places.get("ret_ip"),
            lookups=self._lookups,
        )

    def _mark(self, mark: Mark, known: Mapping[int, str]) -> Mark:
        if not isinstance(mark, Stack) or mark.common_flags < 0:
            return mark
        frames = (self._user_frame(ip) for ip in mark.ips) if mark.user else map(self.symbols.frame, mark.ips)
        return replace(
            mark,
            comm=known[mark.pid],
            frames=tuple(frames),
            flags=self._flags.text(mark.common_flags),
        )

    def _user_frame(self, address: int) -> str:
        return f"<{address:0{2 * self._lookups.long}x}>"

    def _event(self, ident: int) -> str:
        return self._event_of(ident) or str(ident)

    def _place(self, address: int) -> str:
        return self.symbols.place(address)

    def _name(self, address: int) -> str:
        return self.symbols.name(address)

    def _spell(
        self, event: str, name: str, values: NDArray[np.uint64], spell: Callable[[int], str]
    ) -> Strings:
        interner = self._interners.setdefault((event, name), Interner())
        return interner.strings(values, lambda row: spell(int(values[row])))


def _few(values: NDArray[np.int32]) -> Iterator[int]:
    """Yield each distinct value once; fast if there are few."""
    for _ in range(_FEW):
        if not len(values):
            return
        value = int(values[0])
        yield value
        values = values[values != value]
    yield from distinct(values)[0].tolist()


class _Tasks:
    """Names of tasks: one slot for each thread id seen so far, and the current name of each slot."""

    def __init__(self) -> None:
        self._slot_of = np.full(1 << 15, -1, np.int32)
        self._pids: list[int] = []
        self._others: dict[int, int] = {}
        self._code_of = np.zeros(0, np.int32)
        self._values: tuple[str, ...] = ()

    def slots(self, pids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the slot of each row's task."""
        low, high = (int(pids.min()), int(pids.max())) if len(pids) else (0, 0)
        if low < 0 or high >= _PIDS:
            return self._odd(pids)
        if high >= len(self._slot_of):
            more = max(high + 1, 2 * len(self._slot_of)) - len(self._slot_of)
            self._slot_of = np.concatenate([self._slot_of, np.full(more, -1, np.int32)])
        slots: NDArray[np.int32] = self._slot_of.take(pids)
        if len(slots) and int(slots.min()) < 0:
            new = slots < 0
            for pid in _few(pids[new]):
                self._slot_of[pid] = self._slot(pid)
            slots = self._slot_of.take(pids)
        return slots

    def _slot(self, pid: int) -> int:
        slot = self._others.setdefault(pid, len(self._pids))
        if slot == len(self._pids):
            self._pids.append(pid)
        return slot

    def _odd(self, pids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the slots for thread ids that no kernel assigns; slower."""
        different, _, which = distinct(pids)
        return np.array([self._slot(pid) for pid in different.tolist()], np.int32)[which]

    def used(self, slots: list[NDArray[np.int32]]) -> set[int]:
        """Return the thread ids that occur in some rows."""
        seen = np.zeros(len(self._pids), np.int64)
        for some in slots:
            seen += np.bincount(some, minlength=len(seen))
        return {self._pids[slot] for slot in np.flatnonzero(seen).tolist()}

    def name(self, known: Mapping[int, str]) -> None:
        """Use these names for the following rows."""
        codes: dict[str, int] = {}
        self._code_of = np.zeros(len(self._pids), np.int32)
        for pid, name in known.items():
            slot = self._others.get(pid)
            if slot is not None:
                self._code_of[slot] = codes.setdefault(name, len(codes))
        self._values = tuple(codes)

    def strings(self, slots: NDArray[np.int32]) -> Strings:
        """Return the task name of each row."""
        return Strings(self._code_of.take(slots), self._values)


class _Flags:
    """Flags as text, computed once for each distinct combination."""

    def __init__(self, style: FlagStyle) -> None:
        self._style = style
        self._code_of = np.full(1 << 16, -1, np.int32)
        self._codes: dict[str, int] = {}

    def text(self, common: int) -> str:
        """Return the flags of one record."""
        return self._style.text(common)

    def strings(self, common: NDArray[np.int32]) -> Strings:
        """Return the flags of each row."""
        codes: NDArray[np.int32] = self._code_of.take(common)
        if len(codes) and int(codes.min()) < 0:
            for value in _few(common[codes < 0]):
                self._code_of[value] = self._codes.setdefault(self._style.text(value), len(self._codes))
            codes = self._code_of.take(common)
        return Strings(codes, tuple(self._codes))
