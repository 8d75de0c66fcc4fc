"""Add the kernel's counts to the script's variables."""

from dataclasses import field
from typing import Any

from ktrace.aggregate.keys import signed
from ktrace.model.tally import Key, Row, Tally
from ktrace.records import dataclass
from ktrace.script.language.arithmetic import wrap
from ktrace.script.passes.counted import Sum, Table
from ktrace.script.runtime.arrays import Array
from ktrace.script.runtime.state import bytes_text
from ktrace.script.runtime.stats import Stat

_MASK = (1 << 64) - 1


@dataclass(slots=True)
class Tables:
    """Adds the counts since the last call to variables, because scripts may change them in between.

    Args:
        names: the names in the program, including its variables as `g_NAME`.
    """

    names: dict[str, Any]
    _last: dict[Table, dict[tuple[Key, ...], Row]] = field(default_factory=dict)

    def take(self, table: Table, tally: Tally) -> None:
        """Add the new counts of a table. Raises Fault if an array cannot hold all keys."""
        last = self._last.setdefault(table, {})
        for row in tally.rows:
            before = last.get(row.key)
            hits = row.count - (before.count if before else 0)
            if not hits:
                continue
            old = before.sums if before else (0,) * len(row.sums)
            sums = [signed((new - was) & _MASK) for new, was in zip(row.sums, old, strict=True)]
            last[row.key] = row
            for one in table.sums:
                self._add(one, self._key(one, row.key), hits, hits if one.value is None else sums[one.value])
        if tally.dropped:
            # The table can hold more keys than any of the arrays.
            arrays = (self.names[f"g_{one.name}"] for one in table.sums)
            raise next(array for array in arrays if isinstance(array, Array)).full()

    def _key(self, one: Sum, key: tuple[Key, ...]) -> Any:
        """Return the key of a row's element; None for a plain variable."""
        if not one.parts:
            return None
        picked = zip(one.picks, one.shows, strict=True)
        parts = [self._part(key, *next(picked)) if part is None else part for part in one.parts]
        return parts[0] if len(parts) == 1 else tuple(parts)

    def _part(self, key: tuple[Key, ...], number: int, show: str) -> Any:
        found = key[number]
        part = signed(found) if isinstance(found, int) else bytes_text(str(found))
        return self.names[f"b_{show}"](part) if show else part

    def _add(self, one: Sum, key: Any, hits: int, value: int) -> None:
        name = f"g_{one.name}"
        variable = self.names[name]
        value *= one.factor
        if one.stat:
            is_array = isinstance(variable, Array)
            stat: Stat = (variable.get(key) or variable.stat(key)) if is_array else variable
            stat.count += hits
            stat.total += value
        elif isinstance(variable, Array):
            variable.put(key, wrap(variable.get(key, 0) + value))
        else:
            self.names[name] = wrap(variable + value)
