"""Parse the headers of all lines of a buffer at once, if they have the kernel's usual layout.

A layout gives the column of each field. It is derived from one line that the grammar parses, and then checked
on all others: a line is accepted only if every byte of its header matches the layout.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ktrace.model.column import Strings
from ktrace.tracefs import text_grammar as grammar
from ktrace.tracefs.text_grammar import decode
from ktrace.tracefs.text_words import (
    U64,
    Bools,
    Ints,
    Window,
    Words,
    field_of_digits,
    first_bytes,
    is_graphic,
    left_aligned,
)

_PID = 17  # column
_SECONDS_MAX = 2**63 // 10**9 - 1
_NEW_LAYOUTS = 4  # tried in one buffer
_DISTINCT_MAX = 16
_LAYOUTS_MAX = 8  # remembered


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a header; `time` and `stop` enclose the blanks and digits before the dot or colon.

    Attributes:
        pid_width: characters of PID, without the blank after it.
        tgid_width: characters in the parentheses of TGID; 0 if there is no such column.
    """

    pid_width: int
    tgid_width: int
    bracket: int
    cpu_digits: int
    flags: int
    time: int
    stop: int
    dot: bool

    @property
    def body(self) -> int:
        """Return the column after `TIME: `."""
        return self.stop + (9 if self.dot else 2)


@dataclass(slots=True)
class Heads:
    """The header fields of lines, one row for each line; meaningless if `known` is false.

    Attributes:
        known: bool, shape (lines,).
        body: int64: offset of the first byte after the header.
        ts: int64, nanoseconds, or counts with `ticks`.
        cpu: int32.
        pid: int32.
        tgid: int32, 0 if unknown.
        names: uint64, the first 8 bytes of COMM and the other 8.
        flags: uint64: up to 8 flag characters.
        has_tgid: whether there is a tgid column.
        ticks: whether the clock counts something other than nanoseconds.
    """

    known: Bools
    body: Ints
    ts: Ints
    cpu: NDArray[np.int32]
    pid: NDArray[np.int32]
    tgid: NDArray[np.int32]
    names: tuple[U64, U64]
    flags: U64
    has_tgid: bool = False
    ticks: bool = False
    _comms: Strings | None = None
    _flag_texts: Strings | None = None

    @classmethod
    def none(cls, count: int) -> "Heads":
        """Return an object for `count` lines with unknown headers."""
        return cls(
            np.zeros(count, np.bool_),
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
            np.zeros(count, np.int32),
            np.zeros(count, np.int32),
            np.zeros(count, np.int32),
            (np.zeros(count, np.uint64), np.zeros(count, np.uint64)),
            np.zeros(count, np.uint64),
        )

    def comms(self, rows: Ints) -> Strings:
        """Return COMM of some lines, without the blanks before it."""
        if self._comms is None:
            self._comms = _strings(list(self.names))
        return self._comms.take(rows)

    def flag_texts(self, rows: Ints) -> Strings:
        """Return FLAGS of some lines."""
        if self._flag_texts is None:
            self._flag_texts = _strings([self.flags])
        return self._flag_texts.take(rows)


def read_heads(words: Words, starts: Ints, ends: Ints, layouts: list[Layout]) -> Heads:
    """Parse the headers of the lines from `starts` to `ends`. New layouts are added to `layouts`."""
    heads = Heads.none(len(starts))
    left = np.flatnonzero(words.byte_is(starts, 32) & words.byte_is(starts + 16, 45))
    tried: set[Layout] = set()
    for layout in list(layouts):
        left = _apply(heads, words, layout, starts, ends, left)
        tried.add(layout)
    for line in left[:_NEW_LAYOUTS].tolist() if len(left) else ():
        if heads.known[line]:
            continue
        new = _layout(words.data, int(starts[line]), int(ends[line]))
        if new is None or new in tried:
            continue
        tried.add(new)
        before = len(left)
        left = _apply(heads, words, new, starts, ends, left)
        if len(left) < before:
            layouts.insert(0, new)
    del layouts[_LAYOUTS_MAX:]
    return heads


def _layout(data: bytes, start: int, end: int) -> Layout | None:
    """Return the layout of one line if it is a usual one, or None."""
    match = grammar.HEADER.match(data, start, end)
    if match is None:
        return None
    cpu, cpu_end = (column - start for column in match.span(4))
    open_ = data.find(b"(", match.end(2), match.start(4)) - start
    tgid_width = 0 if match[3] is None else match.end(3) - start - open_ - 1
    pid_width = (open_ if tgid_width else cpu - 1) - _PID - 1
    flags = len(match[5] or b"")
    time = cpu_end + 2 + flags if flags else cpu_end + 1
    stop = match.end(6) - start
    layout = Layout(pid_width, tgid_width, cpu - 1, cpu_end - cpu, flags, time, stop, match[7] is not None)
    usual = pid_width in (5, 7) and tgid_width in (0, 5, 7) and flags <= 8 and stop - time <= 19
    return layout if usual else None


def _apply(heads: Heads, words: Words, layout: Layout, starts: Ints, ends: Ints, left: Ints) -> Ints:
    """Parse the lines in `left` that have this layout; return the others."""
    if not len(left) or (heads.known.any() and heads.ticks == layout.dot):
        return left
    at = starts[left]
    ok = ends[left] - at >= layout.body
    window = words.window(at, layout.body + 8)
    pid, good = left_aligned(window.word(_PID), layout.pid_width)
    ok &= good
    if layout.tgid_width:
        tgid, good = _tgid(window, _PID + layout.pid_width + 1, layout.tgid_width)
        ok &= good
    bracket = window.word(layout.bracket)
    ok &= first_bytes(bracket, 1) == ord("[")
    cpu, good = field_of_digits(bracket, 1, layout.cpu_digits)
    ok &= good & window.word_is(layout.bracket + 1 + layout.cpu_digits, b"] ")
    flags = window.word(layout.time - layout.flags)
    ok &= is_graphic(flags, layout.flags) & window.word_is(layout.time, b" ")
    whole, good = window.right_aligned(layout.stop, layout.stop - layout.time)
    ok &= good
    if layout.dot:
        micros = window.word(layout.stop)
        ok &= (first_bytes(micros, 1) == ord(".")) & (micros >> np.uint64(56) == ord(":"))
        part, good = field_of_digits(micros, 1, 6)
        ok &= good & window.word_is(layout.stop + 8, b" ") & (whole <= _SECONDS_MAX)
        whole = whole * np.uint64(10**9) + part * np.uint64(1000)
    else:
        ok &= window.word_is(layout.stop, b": ") & (whole < np.uint64(2**63))
    if not ok.any():
        return left
    # Nearly always, all lines of a buffer have one layout: then only columns are copied.
    pick = slice(None) if ok.all() else np.flatnonzero(ok)
    rows = left[pick]
    heads.known[rows] = True
    heads.body[rows] = at[pick] + layout.body
    heads.ts[rows] = whole[pick].astype(np.int64)
    heads.cpu[rows] = cpu[pick].astype(np.int32)
    heads.pid[rows] = pid[pick].astype(np.int32)
    if layout.tgid_width:
        heads.tgid[rows] = tgid[pick].astype(np.int32)
        heads.has_tgid = True
    heads.names[0][rows] = window.word(0)[pick]
    heads.names[1][rows] = window.word(8)[pick]
    heads.flags[rows] = first_bytes(flags[pick], layout.flags)
    heads.ticks = not layout.dot
    return left[~ok]


def _tgid(window: Window, column: int, width: int) -> tuple[U64, Bools]:
    """Parse `(%7d) ` or `(-------) ` to a number, 0 for the latter; `width` is that in the parentheses."""
    tgid, good = window.right_aligned(column + 1 + width, width)
    none = window.word_is(column + 1, b"-" * width)
    good |= none
    good &= window.word_is(column, b"(") & window.word_is(column + 1 + width, b") ")
    return np.where(none, np.uint64(0), tgid), good


def _strings(parts: list[U64]) -> Strings:
    """Convert words to text, without the blanks before it and the zeros after it.

    Few are distinct, so comparing all rows with each is the cheapest way to number them.
    """
    count = len(parts[0])
    codes = np.zeros(count, np.int32)
    left = np.ones(count, np.bool_)
    index: dict[bytes, int] = {}
    while len(index) < _DISTINCT_MAX:
        row = int(np.argmax(left))
        if not left[row]:
            break
        same = left.copy()
        for part in parts:
            same &= part == part[row]
        codes[same] = len(index)
        index[_octets(int(part[row]) for part in parts)] = len(index)
        left &= ~same
    rows = np.flatnonzero(left)
    if len(rows):
        words = zip(*(part[rows].tolist() for part in parts), strict=True)
        codes[rows] = [index.setdefault(_octets(row), len(index)) for row in words]
    # The padding: blanks before COMM, zeros after FLAGS.
    strip = bytes.lstrip if len(parts) > 1 else bytes.rstrip
    return Strings(codes, tuple(decode(strip(raw, b" " if len(parts) > 1 else b"\0")) for raw in index))


def _octets(words: Iterable[int]) -> bytes:
    return b"".join(word.to_bytes(8, "little") for word in words)
