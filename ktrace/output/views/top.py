"""The table of `ktrace top`: rates, totals and their history, with a row that can be selected."""

from collections import deque
from dataclasses import dataclass, field

from ktrace.diagnostic import visible
from ktrace.model.tally import Key, Tally
from ktrace.output.views.count import key_text

HISTORY = 20  # columns of a sparkline
_LEVELS = " ▁▂▃▄▅▆▇█"
_PLAIN_LEVELS = " .:-=+*#%"
_SORTS = ("rate", "hits", "name")


@dataclass(slots=True)
class _Line:
    """The history of one row."""

    hits: int = 0
    rate: float = 0.0
    past: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))


class TopTable:
    """A table that is updated by successive tallies and can be shown at any time.

    Args:
        title: what is counted.
        ascii_only: draw sparklines in ASCII.

    Attributes:
        paused: whether updates are ignored.
        sort: `rate`, `hits` or `name`.
        chosen: the key of the selected row; None before there are rows.
    """

    def __init__(self, title: str, *, ascii_only: bool = False) -> None:
        self._title = title
        self._levels = _PLAIN_LEVELS if ascii_only else _LEVELS
        self._lines: dict[tuple[Key, ...], _Line] = {}
        self._names: tuple[str, ...] = ()
        self._at = 0.0
        self._dropped = 0
        self.paused = False
        self.sort = "rate"
        self.chosen: tuple[Key, ...] | None = None

    def take(self, tally: Tally, seconds: float) -> None:
        """Take the totals `seconds` after the beginning, and update rates and history."""
        if self.paused or seconds - self._at < 0.1:
            return
        span, self._at = seconds - self._at, seconds
        self._names, self._dropped = tally.names, tally.dropped
        counts = {row.key: row.count for row in tally.rows}
        for key in counts:
            self._lines.setdefault(key, _Line())
        for key, line in self._lines.items():
            hits = counts.get(key, line.hits)
            line.rate = (hits - line.hits) / span
            line.hits = hits
            line.past.append(line.rate)

    def press(self, key: str) -> None:
        """Handle a key that belongs to the table itself."""
        match key:
            case "s":
                self.sort = _SORTS[(_SORTS.index(self.sort) + 1) % len(_SORTS)]
            case "p" | "space":
                self.paused = not self.paused
            case "up" | "k":
                self._move(-1)
            case "down" | "j":
                self._move(1)

    def lines(self, columns: int, rows: int) -> tuple[list[str], int | None]:
        """Return the lines for a terminal of that size, and the index of the selected line."""
        ordered = self._ordered()
        if self.chosen is None and ordered:
            self.chosen = ordered[0][0]
        hits = sum(line.hits for line in self._lines.values())
        rate = sum(line.rate for line in self._lines.values())
        state = "paused" if self.paused else f"{self._at:.0f} s"
        told = f", {self._dropped} dropped" if self._dropped else ""
        same = self._first_says_nothing()
        head = [
            visible(f"{self._title}: {hits} hits, {rate:.0f}/s, by {self.sort}, {state}{told}"),
            f"  {'RATE/S':>9} {'HITS':>10} {'PAST':{HISTORY}} {' '.join(map(str.upper, self._names[same:]))}",
        ]
        room = max(rows - len(head) - 1, 1)
        first = self._first(ordered, room)
        body = [self._line(key, line, same) for key, line in ordered[first : first + room]]
        marked = next(
            (n for n, (key, _) in enumerate(ordered[first : first + room]) if key == self.chosen), None
        )
        body += [""] * (room - len(body))
        foot = "q quit  s sort  p pause  up/down choose  enter stacks  l latency"
        lines = [line[:columns] for line in (*head, *body, foot)]
        return lines, None if marked is None else marked + len(head)

    def _first_says_nothing(self) -> int:
        """Return 1 if all keys begin with the title and have further parts, else 0.

        It is the number of columns to leave out.
        """
        return int(len(self._names) > 1 and {key[0] for key in self._lines} == {self._title})

    def _line(self, key: tuple[Key, ...], line: _Line, start: int) -> str:
        mark = ">" if key == self.chosen else " "
        name = "  ".join(visible(key_text(part)) for part in key[start:])
        return f"{mark} {line.rate:9.0f} {line.hits:10} {self._spark(line):{HISTORY}} {name}"

    def _spark(self, line: _Line) -> str:
        most = max(line.past, default=0.0)
        if not most:
            return ""
        top = len(self._levels) - 1
        return "".join(self._levels[round(rate * top / most)] for rate in line.past)

    def _ordered(self) -> list[tuple[tuple[Key, ...], _Line]]:
        def order(item: tuple[tuple[Key, ...], _Line]) -> tuple[float, str]:
            key, line = item
            name = " ".join(map(key_text, key))
            value = {"rate": -line.rate, "hits": -float(line.hits), "name": 0.0}[self.sort]
            return value, name

        return sorted(self._lines.items(), key=order)

    def _first(self, ordered: list[tuple[tuple[Key, ...], _Line]], room: int) -> int:
        """Return the index of the first row to show, so that the selected row is visible."""
        at = next((n for n, (key, _) in enumerate(ordered) if key == self.chosen), 0)
        return max(0, at - room + 1)

    def _move(self, by: int) -> None:
        keys = [key for key, _ in self._ordered()]
        if keys:
            at = keys.index(self.chosen) if self.chosen in keys else 0
            self.chosen = keys[min(max(at + by, 0), len(keys) - 1)]
