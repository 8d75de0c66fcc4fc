"""Turn a program and its probes into plain values that `marshal` writes, and back.

Only classes of the table below are written and made. Reading a file runs no code of the file's choice; the
program itself is run later, as any program of the user's own.
"""

import marshal
import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from importlib import import_module
from types import CodeType
from typing import Any

_CLASSES = {
    "ktrace.script.passes.runnable": ("Runnable", "Handled", "Variable", "TaskNeeds"),
    "ktrace.script.passes.emitted": ("Emitted", "Handler"),
    "ktrace.script.passes.pushed": ("Pushed",),
    "ktrace.script.passes.counted": ("Counted", "Table", "Sum"),
    "ktrace.script.kernel_interface": ("Found", "Read"),
    "ktrace.script.language.sites": ("AtMoment", "Timer", "AtFunction", "AtEvent", "AtSyscall"),
    "ktrace.aggregate.hist": ("Hist", "Term"),
    "ktrace.resolve.spec": ("ProbeSpec",),
    "ktrace.model.probe": ("Probe",),
    "ktrace.model.place": ("SymbolPlace", "AddressPlace", "TracepointPlace", "EventPlace"),
    "ktrace.model.fetch": ("FetchArg",),
}
_OWNERS = {name: module for module, names in _CLASSES.items() for name in names}
_PLAIN = (bool, int, str, bytes, type(None), CodeType)


class CannotKeep(Exception):
    """A value that is not written: a class that is not in the table."""


def pack(value: object) -> bytes:
    """Return a value as bytes, with a checksum. Raises CannotKeep."""
    plain: Any = _plain(value)
    try:
        body = marshal.dumps(plain)
    except ValueError as error:  # such as an enum, which is a subclass of int or str
        raise CannotKeep(str(error)) from None
    return zlib.crc32(body).to_bytes(4, "big") + body


def unpack(content: bytes) -> Any:
    """Return the value of `pack`. Raises ValueError if the bytes are damaged."""
    body = content[4:]
    if zlib.crc32(body).to_bytes(4, "big") != content[:4]:
        raise ValueError("damaged")
    try:
        return _value(marshal.loads(body))
    except (EOFError, TypeError, ValueError, KeyError, IndexError, AttributeError, ImportError) as error:
        raise ValueError("damaged") from error


def _plain(value: object) -> object:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, tuple):
        return ("tuple", *map(_plain, value))
    if isinstance(value, list):
        return ("list", *map(_plain, value))
    if isinstance(value, frozenset):
        return ("frozenset", *map(_plain, sorted(value)))
    if isinstance(value, Mapping):
        return ("dict", *((_plain(key), _plain(item)) for key, item in value.items()))
    name = type(value).__name__
    if _OWNERS.get(name) != type(value).__module__:
        raise CannotKeep(f"{type(value).__module__}.{name}")
    return (name, *(_plain(getattr(value, one.name)) for one in fields(value)))  # type: ignore[arg-type]


def _value(plain: Any) -> Any:
    if not isinstance(plain, tuple):
        return plain
    kind, *items = plain
    if kind == "dict":
        return {_value(key): _value(item) for key, item in items}
    return _maker(kind)(map(_value, items))


@cache
def _maker(kind: str) -> Callable[[Any], Any]:
    """Return the function that makes a value of its parts."""
    built_in: dict[str, Callable[[Any], Any]] = {"tuple": tuple, "list": list, "frozenset": frozenset}
    if kind in built_in:
        return built_in[kind]
    made = getattr(import_module(_OWNERS[kind]), kind)
    return lambda parts: made(*parts)
