"""The table of `ktrace top`: rates, totals and their history, and the keys that move in it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ktrace.diagnostic import visible
from ktrace.model.tally import Key, Tally
from ktrace.output.views.count import key_text

HISTORY = 20  # columns of a sparkline
_LEVELS = " ▁▂▃▄▅▆▇█"
_PLAIN_LEVELS = " .:-=+*#%"
_SORTS = ("rate", "hits", "name")
_KEYS = "q quit  ? help  / filter  s sort  p pause  up/down row  enter stacks  l latency"
_TYPING = "enter keep  escape all rows"
_HELP = """\
  q                quit
  ?                this help; any key goes back
  /                show only rows with a text; Escape shows all of them again
  s                sort by rate, hits or name
  p, space         pause the display; the kernel counts on
  up, down, k, j   select a row; also page up and page down
  home, g          back to the top, where the busiest row is
  end, G           the last row
  enter            show the stacks that lead to the selected function
  l                show how long the selected function takes

The selected row has a > before it. Counting stops while stacks or durations
are shown, and goes on when q or Escape leads back here."""

Action: TypeAlias = Literal["", "quit", "stacks", "latency"]
"""The request of a key to the program; "" if the table has done all."""

_Row: TypeAlias = "tuple[tuple[Key, ...], _Line]"


@dataclass(slots=True)
class _Line:
    """The history of one row.

    Attributes:
        before: the hits of earlier counts, which `hits` includes.
    """

    hits: int = 0
    before: int = 0
    rate: float = 0.0
    past: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))


class TopTable:
    """A table that is updated by successive tallies and can be shown at any time.

    The view stays at the top, where the busiest row is, until a key moves it.

    Args:
        title: what is counted.
        ascii_only: draw sparklines in ASCII.

    Attributes:
        paused: whether updates are ignored.
        sort: `rate`, `hits` or `name`.
        wanted: show only rows with this text.
        notes: remarks, which the help shows.
    """

    def __init__(self, title: str, *, ascii_only: bool = False) -> None:
        self._title = title
        self._levels = _PLAIN_LEVELS if ascii_only else _LEVELS
        self._lines: dict[tuple[Key, ...], _Line] = {}
        self._names: tuple[str, ...] = ()
        self._at = self._before_s = 0.0
        self._dropped = self._dropped_before = 0
        self._chosen: tuple[Key, ...] | None = None  # by a key
        self._first = 0  # the index of the first row that is shown
        self._room = 1  # the rows that were shown last
        self._is_typing = self._is_helping = False
        self.paused = False
        self.sort = "rate"
        self.wanted = ""
        self.notes: list[str] = []

    @property
    def chosen(self) -> tuple[Key, ...] | None:
        """Return the selected row: that of the last key, otherwise the first; None if there is none."""
        ordered = self._ordered()
        keys = [key for key, _ in ordered]
        if self._chosen in keys:
            return self._chosen
        return keys[0] if keys else None

    def restart(self) -> None:
        """Add the tallies from now on to the present hits: they come from a new count, which begins at 0."""
        for line in self._lines.values():
            line.before = line.hits
        self._before_s, self._dropped_before = self._at, self._dropped

    def take(self, tally: Tally, seconds: float) -> None:
        """Take the totals `seconds` after the beginning of a count, and update rates and history."""
        at = self._before_s + seconds
        if self.paused or at - self._at < 0.1:
            return
        span, self._at = at - self._at, at
        self._names, self._dropped = tally.names, self._dropped_before + tally.dropped
        counts = {row.key: row.count for row in tally.rows}
        for key in counts:
            self._lines.setdefault(key, _Line())
        for key, line in self._lines.items():
            hits = line.before + counts[key] if key in counts else line.hits
            line.rate = (hits - line.hits) / span
            line.hits = hits
            line.past.append(line.rate)

    def press(self, key: str) -> Action:
        """Handle a key, and return what the program has to do for it."""
        if self._is_typing:
            self._type(key)
            return ""
        if self._is_helping:
            self._is_helping = False
            return ""
        match key:
            case "q":
                return "quit"
            case "enter" | "l" if self.chosen is not None:
                return "stacks" if key == "enter" else "latency"
            case "?":
                self._is_helping = True
            case "/":
                self._is_typing = True
            case "escape":
                self.wanted = ""
            case "s":
                self.sort = _SORTS[(_SORTS.index(self.sort) + 1) % len(_SORTS)]
            case "p" | "space":
                self.paused = not self.paused
            case _:
                self._move(key)
        return ""

    def lines(self, columns: int, rows: int, told: str = "") -> tuple[list[str], int | None]:
        """Return the lines for a terminal of that size, and the index of the selected line.

        Args:
            told: a remark to show in place of the keys.
        """
        if self._is_helping:
            return self._help(columns, rows), None
        ordered = self._ordered()
        chosen = self.chosen
        same = self._first_says_nothing()
        head = [
            self._heading([line for _, line in ordered], columns),
            f"  {'RATE/S':>9} {'HITS':>10} {'PAST':{HISTORY}} {' '.join(map(str.upper, self._names[same:]))}",
        ]
        self._room = max(rows - len(head) - 1, 1)
        self._first = max(0, min(self._first, len(ordered) - self._room))
        shown = ordered[self._first : self._first + self._room]
        body = [self._line(key, line, same, is_chosen=key == chosen) for key, line in shown]
        marked = next((n for n, (key, _) in enumerate(shown) if key == chosen), None)
        body += [""] * (self._room - len(body))
        foot = visible(told) or self._foot(ordered, is_shown=marked is not None)
        if foot == _KEYS and len(foot) > columns:
            foot = foot[: columns + 1].rpartition("  ")[0]  # no key without what it does
        lines = [line[:columns] for line in (*head, *body, foot)]
        return lines, None if marked is None else marked + len(head)

    def _heading(self, lines: list[_Line], columns: int) -> str:
        hits, rate = sum(line.hits for line in lines), sum(line.rate for line in lines)
        state = "paused" if self.paused else f"{self._at:.0f} s"
        told = f", {self._dropped} dropped" if self._dropped else ""
        only = f", only '{self.wanted}'" if self.wanted else ""
        notes = len(dict.fromkeys(self.notes))
        noted = f", {notes} note{'s' * (notes > 1)}: ?" if notes else ""
        rest = visible(f": {hits} hits, {rate:.0f}/s, by {self.sort}, {state}{told}{only}{noted}")
        title = visible(self._title)
        if len(title) + len(rest) > columns:
            title = title[: max(columns - len(rest) - 3, 5)] + "..."
        return title + rest

    def _foot(self, ordered: list[_Row], *, is_shown: bool) -> str:
        if self._is_typing:
            return f"/{visible(self.wanted)}_  {_TYPING}"
        if is_shown or not ordered:
            return _KEYS
        at = next(n for n, (key, _) in enumerate(ordered, 1) if key == self.chosen)
        return f"the selected row is row {at} now: up or down goes there, home to the top"

    def _help(self, columns: int, rows: int) -> list[str]:
        notes = [f"  {visible(note)}" for note in dict.fromkeys(self.notes)]
        lines = ["ktrace top: keys", "", *_HELP.splitlines(), *(["", "Notes:", *notes] if notes else ())]
        return [line[:columns] for line in lines[:rows]]

    def _first_says_nothing(self) -> int:
        """Return 1 if all keys begin with the title and have further parts, else 0.

        It is the number of columns to leave out.
        """
        return int(len(self._names) > 1 and {key[0] for key in self._lines} == {self._title})

    def _line(self, key: tuple[Key, ...], line: _Line, start: int, *, is_chosen: bool) -> str:
        mark = ">" if is_chosen else " "
        name = "  ".join(visible(key_text(part)) for part in key[start:])
        return f"{mark} {line.rate:9.0f} {line.hits:10} {self._spark(line):{HISTORY}} {name}"

    def _spark(self, line: _Line) -> str:
        most = max(line.past, default=0.0)
        if not most:
            return ""
        top = len(self._levels) - 1
        return "".join(self._levels[round(rate * top / most)] for rate in line.past)

    def _ordered(self) -> list[_Row]:
        value: Callable[[_Line], float] = {
            "rate": lambda line: -line.rate,
            "hits": lambda line: -float(line.hits),
            "name": lambda _line: 0.0,
        }[self.sort]
        wanted = self.wanted.lower()
        named = [(" ".join(map(key_text, key)), key, line) for key, line in self._lines.items()]
        found = [one for one in named if wanted in one[0].lower()]
        found.sort(key=lambda one: (value(one[2]), one[0]))
        return [(key, line) for _, key, line in found]

    def _type(self, key: str) -> None:
        match key:
            case "enter":
                self._is_typing = False
            case "escape":
                self._is_typing, self.wanted = False, ""
            case "backspace":
                self.wanted = self.wanted[:-1]
            case "space":
                self.wanted += " "
            case _ if len(key) == 1 and key.isprintable():
                self.wanted += key
        self._first = 0

    def _move(self, key: str) -> None:
        """Select another row, and move the view so that it is shown."""
        keys = [key for key, _ in self._ordered()]
        if key in ("home", "g") or not keys:
            self._chosen, self._first = None, 0
            return
        at = keys.index(self.chosen) if self.chosen in keys else 0
        steps = {"up": -1, "k": -1, "down": 1, "j": 1, "page up": -self._room, "page down": self._room}
        if key in ("end", "G"):
            at = len(keys) - 1
        elif key in steps:
            at = min(max(at + steps[key], 0), len(keys) - 1)
        else:
            return
        self._chosen = keys[at]
        self._first = min(max(self._first, at - self._room + 1), at)
