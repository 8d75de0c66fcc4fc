"""Trace a Linux kernel's functions and events from a Python program.

    import ktrace

    with ktrace.Session() as session:
        session.add("vfs_read", "count=%dx:u64")
        for batch in session.stream(duration_s=1):
            print(batch.ts, batch["count"])

The names in `__all__` are the public interface: docs/api.md lists them, and says what may change.
Importing this package imports nothing else, so that small commands start fast. Each name is loaded when
it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ktrace.version import __version__

if TYPE_CHECKING:
    from ktrace.api import Session
    from ktrace.errors import (
        Busy,
        Damaged,
        KtraceError,
        NotFound,
        Refused,
        Unavailable,
        UsageError,
    )
    from ktrace.model.batch import Batch
    from ktrace.model.column import Column, Strings
    from ktrace.stream.api import read, sql

__all__ = [
    "Batch",
    "Busy",
    "Column",
    "Damaged",
    "KtraceError",
    "NotFound",
    "Refused",
    "Session",
    "Strings",
    "Unavailable",
    "UsageError",
    "__version__",
    "read",
    "sql",
]

_WHERE = {
    "Batch": "ktrace.model.batch",
    "Column": "ktrace.model.column",
    "Session": "ktrace.api",
    "Strings": "ktrace.model.column",
    "read": "ktrace.stream.api",
    "sql": "ktrace.stream.api",
}


if not TYPE_CHECKING:  # with it, a type checker would believe in every name

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_WHERE.get(name, "ktrace.errors")), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the public names alone: submodules become attributes as they are imported."""
    return list(__all__)
