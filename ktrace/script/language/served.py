"""Probe points of what a script serves: files that others read and write, and its standard input.

procfs("PATH").read             the handler sets $value, the file's text
procfs("PATH").write            $value is what was written
procfs("PATH").umask(0022).read.maxsize(4096)
__ktrace_input("char")          the tapset's input.char and input.line
"""

from collections.abc import Sequence

from ktrace.script.language.definitions import Component, Point
from ktrace.script.language.sites import UMASK, Input, Served
from ktrace.script.language.source import NoSuchPoint, ScriptError

_DEFAULT_PATH = "command"
_HINT = 'procfs("PATH").read, procfs("PATH").write, with .umask(N) before it and .maxsize(N) after .read'


def served_site(point: Point) -> Served | Input:
    """Return the site that a `procfs` or `__ktrace_input` probe point describes. Raises ScriptError."""
    head, *rest = point.parts
    if head.name == "__ktrace_input":
        if rest:
            raise NoSuchPoint(f"'{rest[0]}' does not belong to this probe point", rest[0].at)
        return Input("char" if head.arg == "char" else "line")
    path = _DEFAULT_PATH if head.arg is None else head.arg
    if not isinstance(path, str):
        raise ScriptError("procfs takes a file's name", head.at, hint=_HINT)
    if any(part in ("", ".", "..") for part in path.split("/")) or "\0" in path or len(path) > 255:
        raise ScriptError(f"'{path}' is not a file's name below the folder of the run", head.at, hint=_HINT)
    umask = UMASK
    if rest and rest[0].name == "umask":
        umask, rest = _number(rest[0]), rest[1:]
    match rest:
        case [Component(name="read", arg=None)]:
            return Served(path, "read", umask)
        case [Component(name="read", arg=None), Component(name="maxsize") as most]:
            return Served(path, "read", umask, _number(most))
        case [Component(name="write", arg=None)]:
            return Served(path, "write", umask)
    raise _wrong(point, rest)


def _number(part: Component) -> int:
    if not isinstance(part.arg, int) or part.arg < 0:
        raise ScriptError(f".{part.name} takes a number", part.at, hint=_HINT)
    return part.arg


def _wrong(point: Point, rest: Sequence[Component]) -> ScriptError:
    known = ("read", "write", "umask", "maxsize")
    for part in rest:
        if part.name not in known:
            return NoSuchPoint(f"'{part}' does not belong to procfs", part.at, hint=_HINT)
    return ScriptError(f"'{point}' is not complete: is the file read or written?", point.at, hint=_HINT)
