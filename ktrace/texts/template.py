"""Read the fields of a static event back from its text.

A template is literal text and fields, `prev_comm={prev_comm} prev_pid={prev_pid:d}`. It is written by hand,
or made from an event's `print fmt`. A field of text ends where what follows it in the template can be read to
the end. An end that was tried in vain is not tried again: the time grows with the length of the text alone.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

from ktrace.model.column import Column, Strings
from ktrace.model.format import Format
from ktrace.output.printfmt.lexer import NotUnderstood
from ktrace.output.printfmt.parser import parse_print_fmt
from ktrace.output.printfmt.template import Spec, split
from ktrace.output.printfmt.tree import Call, Cast, FieldOf, Name, Node, Number, Table, Text
from ktrace.texts.records import column_of

_KINDS = {
    "d": re.compile(r" *(-?\d{1,20})"),
    "x": re.compile(r" *(?:0x)?([0-9a-fA-F]{1,16})"),
    "w": re.compile(r"([^\s,\])]*)"),
}
_SPELLED = re.compile(r"0x[0-9a-fA-F]{1,16}\Z")
_COMM_MAX = 16
_FIELD = re.compile(r"\{(\w*)(?::(\w))?\}")


@dataclass(frozen=True, slots=True)
class Part:
    """Literal text, and the field after it.

    Attributes:
        literal: text before the field.
        name: the field's name; empty for text that is not kept, None at the end of the template.
        kind: `d` for a decimal number, `x` for a hexadecimal one, `w` for a word, `s` for any text.
        names: the numbers of the names that are printed in their place.
    """

    literal: str
    name: str | None = None
    kind: str = "s"
    names: "tuple[tuple[str, int], ...]" = ()


class Template:
    """A template, compiled.

    Args:
        parts: the last one has no field.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)
        self.fields = tuple(part.name for part in parts if part.name)
        self.kinds = {part.name: part.kind for part in parts if part.name}

    @classmethod
    def of(cls, text: str) -> "Template":
        """Return the template that is written as `irq={irq:d} name={name}`."""
        parts, at = [], 0
        for match in _FIELD.finditer(text):
            parts.append(Part(text[at : match.start()], match[1], match[2] or "s"))
            at = match.end()
        return cls([*parts, Part(text[at:])])

    @classmethod
    def of_format(cls, event: Format) -> "Template | None":
        """Return the inverse of an event's `print fmt`; None if it has no field that can be read back."""
        try:
            parsed = parse_print_fmt(event.print_fmt)
            parts = list(_parts(event, split(parsed.template), parsed.args))
        except NotUnderstood:
            return None
        made = cls(parts)
        return made if made.fields and len(set(made.fields)) == len(made.fields) else None

    def read(self, texts: Sequence[str]) -> list[tuple[str, ...] | None]:
        """Return the text of each field of each text; None for a text of another form."""
        matches = zip(texts, map(self._first_ends.match, texts), strict=True)
        return [self._search(text) if match is None else match.groups() for text, match in matches]

    def is_plausible(self, row: tuple[str, ...] | None) -> bool:
        """Return whether no text but a task's name has several lines: the others are not the kernel's."""
        return not any(
            "\n" in text and not (name.endswith("comm") and len(text) <= _COMM_MAX)
            for name, text in zip(self.fields, row or (), strict=False)
        )

    def columns(self, rows: Iterable[tuple[str, ...]]) -> dict[str, Column]:
        """Return the fields of some texts, of which `rows` has what `read` returned."""
        named = [part for part in self._parts if part.name]
        columns = [_column(part, texts) for part, texts in zip(named, zip(*rows, strict=True), strict=True)]
        return dict(zip(self.fields, columns, strict=True))

    @cached_property
    def _first_ends(self) -> re.Pattern[str]:
        """Return a pattern for texts of which each field can end at its first end, as most can."""
        pattern, taken = "", False
        for part, following in zip_longest(self._parts, self._parts[1:]):
            pattern += "" if taken else re.escape(part.literal)
            taken = part.name is not None and part.kind == "s"
            group = "(" if part.name else "(?:"
            if taken and (following.name is not None or following.literal):
                pattern += f"(?>{group}.*?){re.escape(following.literal)})"
            elif taken:
                pattern += f"{group}.*)"
            elif part.name is not None:
                before, _, captured = _KINDS[part.kind].pattern.rpartition("(")
                pattern += f"(?>{before}{group}{captured})"
        return re.compile(pattern + r"\s*\Z", re.DOTALL)

    def _search(self, text: str) -> tuple[str, ...] | None:
        ends = self._ends(text)
        if ends is None:
            return None
        return tuple(text[slice(*span)] for part, span in zip(self._parts, ends, strict=False) if part.name)

    def _ends(self, text: str) -> list[tuple[int, int]] | None:
        """Return where each field begins and ends."""
        end = len(text.rstrip())
        spans: list[tuple[int, int]] = []
        choices: list[tuple[int, int, int]] = []  # a field of text, its begin, and where to seek its next end
        # The ends of a field of text do not depend on where it begins: if all after one begin were tried in
        # vain, those after a later begin need not be tried.
        exhausted: dict[int, int] = {}
        index, at = 0, 0
        while True:
            part = self._parts[index]
            start = at + len(part.literal)
            if text.startswith(part.literal, at):
                if part.name is None:
                    if start >= end:
                        return spans
                elif part.kind == "s":
                    if start < exhausted.get(index, len(text) + 1):
                        choices.append((index, start, start))
                else:
                    match = _KINDS[part.kind].match(text, start)
                    if match is not None:
                        spans.append(match.span(1))
                        index, at = index + 1, match.end()
                        continue
            chosen = self._next_end(text, choices, exhausted)
            if chosen is None:
                return None
            index, start, at = chosen
            del spans[index:]
            spans.append((start, at))
            index += 1

    def _next_end(
        self, text: str, choices: list[tuple[int, int, int]], exhausted: dict[int, int]
    ) -> tuple[int, int, int] | None:
        """Return the next end of the last field of text that has one left, with its index and its begin."""
        while choices:
            index, start, seek = choices.pop()
            following = self._parts[index + 1]
            if following.name is None and not following.literal:
                end = len(text) if seek <= len(text) else -1
            else:
                end = text.find(following.literal, seek)
            if end >= 0:
                choices.append((index, start, end + 1))
                return index, start, end
            exhausted[index] = min(start, exhausted.get(index, start))
        return None


def _column(part: Part, texts: Sequence[str]) -> Column:
    if part.kind == "d":
        return column_of(list(map(int, texts)))
    if part.kind == "x":
        return column_of([int(text, 16) for text in texts])
    names = dict(part.names)
    if part.kind == "w" and any(text.startswith("0x") for text in texts):
        return column_of([int(text, 16) if _SPELLED.match(text) else names.get(text, text) for text in texts])
    if names:
        return column_of([names.get(text, text) for text in texts])
    return Strings.of(texts)


def _parts(event: Format, pieces: Sequence[str | Spec], args: Sequence[Node]) -> Iterator[Part]:
    fields = {one.name: one for one in event.fields}
    left = list(args)
    literal = ""
    for piece in pieces:
        if isinstance(piece, str):
            literal += piece
            continue
        if piece.conversion == "?" or len(left) <= piece.stars:
            raise NotUnderstood(piece.text)
        node = left[piece.stars]
        del left[: piece.stars + 1]
        name = _field(node)
        kind = _kind(piece)
        known = fields.get(name)
        if known is not None and known.is_text:
            kind = "s"
        yield Part(
            literal, name if name in fields and not name.startswith("common_") else "", kind, _table(node)
        )
        literal = ""
    yield Part(literal)


def _kind(spec: Spec) -> str:
    if spec.conversion in ("d", "u"):
        return "d"
    if spec.conversion in ("x", "X") or (spec.conversion == "p" and spec.extension in ("", "x", "K")):
        return "x"
    return "s"


def _field(node: Node) -> str:
    """Return the field whose value alone is printed; empty if it is computed from several."""
    while isinstance(node, Cast):
        node = node.operand
    if isinstance(node, FieldOf):
        return node.name
    if isinstance(node, Call) and node.function in ("__get_str", "__get_rel_str", "__print_symbolic"):
        first = node.args[0] if node.args else Text("")
        return first.name if isinstance(first, Name) else _field(first)
    return ""


def _table(node: Node) -> tuple[tuple[str, int], ...]:
    """Return the numbers of the names of a `__print_symbolic`."""
    if not isinstance(node, Call) or node.function != "__print_symbolic":
        return ()
    found: dict[str, int] = {}
    for one in node.args[1:]:
        match one:
            case Table(items=(Number(value=value), Text(text=text))):
                found.setdefault(text, value)
    return tuple(found.items())
