"""ktrace: a front end for the Linux kernel's dynamic events.

Importing this package imports nothing else, so that small commands start fast. Each name is loaded
when it is first used. See docs/python.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ktrace.version import __version__

if TYPE_CHECKING:
    from ktrace.api import Session
    from ktrace.errors import KtraceError
    from ktrace.model.batch import Batch
    from ktrace.model.column import Strings
    from ktrace.stream.api import read, sql

__all__ = ["Batch", "KtraceError", "Session", "Strings", "__version__", "read", "sql"]

_WHERE = {
    "Batch": "ktrace.model.batch",
    "KtraceError": "ktrace.errors",
    "Session": "ktrace.api",
    "Strings": "ktrace.model.batch",
    "read": "ktrace.stream.api",
    "sql": "ktrace.stream.api",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
