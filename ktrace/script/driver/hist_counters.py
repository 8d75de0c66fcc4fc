"""Set, read and pause the hist triggers with which the kernel counts for a script."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from ktrace.aggregate.hist import Hist, hist_path, pause_step
from ktrace.aggregate.hist_file import HistTable, parse_hist, terms_of
from ktrace.errors import Damaged, Refused
from ktrace.records import dataclass
from ktrace.script.passes.counted import Table
from ktrace.script.runtime.hist_variables import Tables
from ktrace.session.session import Session

_SETTLED_READS = 50


@dataclass(slots=True)
class ScriptCounts:
    """The tables of a script's events in a session.

    Args:
        events: `GROUP/NAME` of each table's event, by key. Events that could not be defined are missing.
    """

    session: Session
    tables: Sequence[Table]
    events: Mapping[int, str]
    into: Tables
    hits: int = 0  # counted by the kernel so far
    _set: list[Table] = field(default_factory=list)

    def start(self) -> bool:
        """Start counting. Return False if the kernel refuses a trigger."""
        try:
            for table in self.tables:
                if table.key in self.events:
                    event = self.events[table.key]
                    self.session.apply(table.hist.step(event, f"count {event}"))
                    self._set.append(table)
        except Refused:
            self._set.clear()  # triggers that were set stay until the session ends, unread
            return False
        return True

    @property
    def can_overflow(self) -> bool:
        """Return whether an array may become full."""
        return any(table.many for table in self._set)

    def __call__(self, last: bool) -> None:
        """Add the counts to the variables. The `last` call pauses the triggers first. Raises Fault."""
        if last:
            for table in self._set:
                self.session.apply(pause_step(self.events[table.key], table.hist))
        read = self._settled() if last else self._read()
        self.hits = 0
        for table in self._set:
            event = self.events[table.key]
            counted = _of(table.hist, read[event], event)
            self.hits += counted.hits
            self.into.take(table, counted.tally)

    def _settled(self) -> dict[str, list[HistTable]]:
        """Read the tables after the pause until hits that were still being counted are in them."""
        read = self._read()
        for _ in range(_SETTLED_READS):
            again = self._read()
            if again == read:
                break
            read = again
        return read

    def _read(self) -> dict[str, list[HistTable]]:
        found: dict[str, list[HistTable]] = {}
        for table in self._set:
            event = self.events[table.key]
            if event not in found:
                path = hist_path(event)
                found[event] = parse_hist(self.session.files.read(path), path)
        return found


def _of(hist: Hist, tables: Sequence[HistTable], event: str) -> HistTable:
    """Return the table of a trigger. The kernel prints its keys, values and filter as they were written."""
    for table in tables:
        keys, values = terms_of(table.info)
        sums = tuple(value for value in values if value.field != "hitcount")
        if (
            keys == hist.keys
            and sums == hist.values
            and table.info.partition(" if ")[2] == (hist.filter or "")
        ):
            return table
    raise Damaged(f"no histogram {hist.to_text()}", source=hist_path(event), offset=0)
