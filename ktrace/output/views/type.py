"""`ktrace type`: a type as text and as JSON."""

import json
from collections.abc import Sequence
from typing import Protocol

from ktrace.diagnostic import visible
from ktrace.output.terminal.table import render_table

SCHEMA = 1
_INDENT = "  "


class Member(Protocol):
    """A member of a struct or union, as `symbols.btf_layout` lays it out."""

    @property
    def bit_offset(self) -> int:
        """Return the offset from the start of the outermost struct, in bits."""

    @property
    def bit_size(self) -> int:
        """Return the width of a bitfield in bits; 0 for any other member."""

    @property
    def size(self) -> int | None:
        """Return the size in bytes; None if the type has no size."""

    @property
    def depth(self) -> int:
        """Return how many anonymous structs and unions enclose the member."""

    @property
    def text(self) -> str:
        """Return the declaration in C."""


class Type(Protocol):
    """A type, as `session.types` finds it."""

    @property
    def text(self) -> str:
        """Return the type in C."""

    @property
    def size(self) -> int | None:
        """Return the size in bytes; None if the type has no size."""

    @property
    def rows(self) -> Sequence[Member]:
        """Return the members of a struct or union."""

    @property
    def values(self) -> Sequence[tuple[str, int]]:
        """Return the names and values of an enum."""

    @property
    def alias(self) -> str | None:
        """Return the type that a typedef stands for."""


def type_text(found: Type) -> str:
    """Return a line about the type, then a line for each member or value."""
    size = "" if found.size is None else f", {found.size} bytes"
    alias = f" = {found.alias}" if found.alias else ""
    text = visible(f"{found.text}{alias}{size}") + "\n"
    if found.rows:
        rows = [
            [_offset(m), "-" if m.size is None else str(m.size), _INDENT * m.depth + m.text]
            for m in found.rows
        ]
        text += render_table(("OFFSET", "SIZE", "MEMBER"), rows, right=(0, 1))
    if found.values:
        text += render_table(("VALUE", "NAME"), [[str(v), name] for name, v in found.values], right=(0,))
    return text


def type_record(found: Type) -> str:
    """Return a record of type `type`."""
    members = [
        {
            "offset": m.bit_offset // 8,
            "bit": m.bit_offset % 8 if m.bit_size else None,
            "bits": m.bit_size or None,
            "size": m.size,
            "depth": m.depth,
            "declaration": m.text,
        }
        for m in found.rows
    ]
    return json.dumps(
        {
            "schema": SCHEMA,
            "type": "type",
            "name": found.text,
            "size": found.size,
            "alias": found.alias,
            "members": members,
            "values": [{"name": name, "value": value} for name, value in found.values],
        }
    )


def _offset(member: Member) -> str:
    byte, bit = divmod(member.bit_offset, 8)
    return f"{byte}:{bit}" if member.bit_size else str(byte)
