"""Join the columns with the parts of whole paths, once for each distinct combination."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from ktrace.model.column import Column, Strings
from ktrace.model.path_parts import join_path, levels_of, parts_of

_MOST = 1 << 16  # paths that are remembered

Join: TypeAlias = Callable[[tuple[str | None, ...]], str | None]
"""Joins a path's last name and its parts."""


def joiner(parts: Sequence[str]) -> Join:
    """Return what joins the texts of these parts, by their names; it remembers its answers."""
    levels = levels_of(parts)

    @lru_cache(_MOST)
    def join(texts: tuple[str | None, ...]) -> str | None:
        return join_path(texts[0], list(zip(levels, texts[1:], strict=True)))

    return join


def join_columns(columns: Sequence[Strings], join: Join) -> Strings:
    """Return the path of each row, from the columns of the last names and of the parts."""
    if not len(columns[0]):
        return columns[0]
    codes = np.stack([column.codes for column in columns], axis=1)
    rows, which = np.unique(codes, axis=0, return_inverse=True)
    values = [column.values for column in columns]
    texts = (tuple(known[code] for known, code in zip(values, row, strict=True)) for row in rows.tolist())
    return Strings(which.reshape(-1).astype(np.int32), tuple(map(join, texts)))


def with_joined_paths(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return an event's columns with those that hold parts of a path joined."""
    joined = dict(columns)
    texts = {name: column for name, column in columns.items() if isinstance(column, Strings)}
    for name, parts in parts_of(texts).items():
        joined[name] = join_columns([texts[one] for one in (name, *parts)], joiner(parts))
        for part in parts:
            del joined[part]
    return joined
