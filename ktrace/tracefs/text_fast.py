"""Parse records to columns, all rows of a buffer at once, if they have the exact shape of their event.

A row is accepted only if every byte matches its event's signature, strings hold no quote, and the next line
begins something new. All other rows are left to the parser of single records. Both parsers return the same
values; a test checks this.
"""

import re
from dataclasses import dataclass, field, replace

import numpy as np

from ktrace.model.batch import Batch
from ktrace.model.column import Strings
from ktrace.model.path_columns import with_joined_paths
from ktrace.tracefs import text_grammar as grammar
from ktrace.tracefs.text_cursor import Cursor, column_of
from ktrace.tracefs.text_grammar import decode
from ktrace.tracefs.text_heads import Heads
from ktrace.tracefs.text_shape import Shape
from ktrace.tracefs.text_shapes import Shapes
from ktrace.tracefs.text_words import Ints, Words, first_bytes

ARROW_TEXT = decode(grammar.ARROW)

_EVENTS_MAX = 64  # distinct ones in a buffer
_SAMPLE = 32  # records from which to learn an event's arguments


@dataclass(slots=True)
class Fast:
    """Parses rows of one buffer.

    Attributes:
        words: the buffer.
        ends: offset of the newline of each line.
        heads: the headers of the lines.
        shapes: shapes of the events; those of unknown events are learned.
        base: number of the first line in the stream.
        pattern: reads an event's name, as `EVENT` does.
        groups: the group of each event that has one in the text.
    """

    words: Words
    ends: Ints
    heads: Heads
    shapes: Shapes
    base: int
    pattern: re.Pattern[bytes] = grammar.EVENT
    groups: dict[str, str] = field(default_factory=dict)

    def read(self, lines: Ints) -> list[Batch]:
        """Parse as many as possible of some lines, all of which are whole records with known headers."""
        batches: list[Batch] = []
        data = self.words.data
        at = self.heads.body[lines]
        begins = self.words.word(at)
        untried = True
        for _ in range(_EVENTS_MAX):
            if not len(lines):
                break
            first, end = int(at[0]), int(self.ends[lines[0]])
            name = self.pattern.match(data, first, end)
            if name is None and untried:
                untried = False
                found, left = self._nameless(lines, at)
                batches += found
                lines, at, begins = lines[left], at[left], begins[left]
                continue
            named = name is not None and name.end() < end
            prefix = name[0] if name and named else data[first : min(first + 8, end)]
            same = first_bytes(begins, min(len(prefix), 8)) == int.from_bytes(prefix[:8], "little")
            if len(prefix) > 8:
                same &= self.words.matches(at, prefix)
            if name and named:
                self.groups |= grammar.group_of(name[1])
                mine = slice(None) if same.all() else np.flatnonzero(same)
                batches += self._event(grammar.event_name(name[1]), lines[mine], at[mine] + len(prefix))
            left = np.flatnonzero(~same)
            lines, at, begins = lines[left], at[left], begins[left]
        return batches

    def _nameless(self, lines: Ints, at: Ints) -> tuple[list[Batch], Ints]:
        """Parse records that do not begin with the event's name; return also which rows are left.

        These are functions and system calls. Texts repeat, and each is tried once.
        """
        ends = self.ends[lines]
        arrow = self.words.next(ord("<"), at)
        may_be = (arrow < ends) & self.words.byte_is(arrow + 1, ord("-"))
        rows = np.flatnonzero(may_be | self.words.matches(at, b"sys_"))
        body = self.words.strings(at[rows], ends[rows])
        events = [self._name_of(text or "") for text in body.values]
        names = dict.fromkeys(event for event in events if event is not None)
        left = np.ones(len(lines), np.bool_)
        batches = []
        for name in names:
            mine = np.flatnonzero(np.array([event == name for event in events])[body.codes])
            left[rows[mine]] = False
            plain = self._plain(name, lines[rows[mine]])
            batches.append(replace(plain, columns={"body": body.take(mine)}, titled=False))
        return batches, np.flatnonzero(left)

    def _name_of(self, text: str) -> str | None:
        spelled = text.encode("utf-8", "surrogateescape")
        return None if self.pattern.match(spelled) else grammar.nameless_event(spelled)

    def _event(self, event: str, lines: Ints, at: Ints) -> list[Batch]:
        if event == grammar.MARKER:
            return [self._text(grammar.MARKER, lines, at)]
        opens = self.words.byte_is(at, ord("("))
        batches = [] if opens.all() else [self._text(event, lines[~opens], at[~opens])]
        lines, at = lines[opens], at[opens]
        if len(lines) and not self.shapes.of(event):
            pairs = zip(at[:_SAMPLE].tolist(), self.ends[lines[:_SAMPLE]].tolist(), strict=True)
            self.shapes.sample(event, [self.words.data[a:b] for a, b in pairs])
        for shape in self.shapes.of(event):
            if not len(lines):
                break
            cursor = Cursor(self.words, at, self.ends[lines])
            if not cursor.read(shape):
                continue
            batches.append(self._probe(shape, lines[cursor.rows], cursor))
            left = np.ones(len(lines), np.bool_)
            left[cursor.rows] = False
            lines, at = lines[left], at[left]
        return batches

    def _text(self, event: str, lines: Ints, at: Ints) -> Batch:
        body = self.words.strings(at, self.ends[lines])
        return replace(self._plain(event, lines), columns={"body": body})

    def _probe(self, shape: Shape, lines: Ints, cursor: Cursor) -> Batch:
        signature, columns = shape.signature, iter(cursor.columns)
        values = with_joined_paths({arg.name: column_of(columns, arg.length) for arg in signature.args})
        batch = replace(self._plain(signature.event, lines), columns=values, signature=signature)
        place = cursor.places
        if not signature.is_return:
            return replace(batch, kind="entry", place=place)
        # The dictionary may hold places of other rows, which are not a return's.
        sites, _, funcs = zip(*((text or "").partition(ARROW_TEXT) for text in place.values), strict=True)
        return replace(
            batch, kind="return", func=Strings(place.codes, funcs), ret_ip=Strings(place.codes, sites)
        )

    def _plain(self, event: str, lines: Ints) -> Batch:
        heads = self.heads
        return Batch(
            event=event,
            kind="text",
            seq=lines + self.base,
            ts=heads.ts[lines],
            cpu=heads.cpu[lines],
            pid=heads.pid[lines],
            tgid=heads.tgid[lines] if heads.has_tgid else None,
            comm=heads.comms(lines),
            flags=heads.flag_texts(lines),
            ticks=heads.ticks,
        )
