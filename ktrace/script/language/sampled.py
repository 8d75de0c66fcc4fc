"""Probe points of perf events: `timer.profile`, and watchpoints such as `kernel.data("jiffies").write`."""

from collections.abc import Sequence

from ktrace.script.language.definitions import Component
from ktrace.script.language.sites import Watch
from ktrace.script.language.source import ScriptError

_LENGTHS = (1, 2, 4, 8)
_HINT = 'kernel.data("NAME").write, kernel.data(0xADDRESS).length(4).rw'


def watch_site(what: Component, suffixes: Sequence[Component]) -> Watch:
    """Return the site of `kernel.data(PLACE)...`. Raises ScriptError."""
    if what.arg is None:
        raise ScriptError("kernel.data takes an address or a variable's name", what.at, hint=_HINT)
    length, rest = 8, list(suffixes)
    if rest and rest[0].name == "length":
        size = rest.pop(0)
        if size.arg not in _LENGTHS or not isinstance(size.arg, int):
            raise ScriptError("a watchpoint has 1, 2, 4 or 8 bytes", size.at, hint=_HINT)
        length = size.arg
    if len(rest) != 1 or rest[0].name not in ("write", "rw"):
        raise ScriptError("is the memory written (.write), or read as well (.rw)?", what.at, hint=_HINT)
    return Watch(what.arg, length, rest[0].name == "rw")
