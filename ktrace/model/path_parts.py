"""Whole paths: a probe reads the parts of a path one by one, and they are joined when its records are read.

The argument `file` holds the last name; `file__p1`, `file__p2`, ... the names of the directories above it, up
to the root of the filesystem; `file__m0`, ... the names from the directory where that is mounted, and
`file__n0`, `file__o0`, ... those of the mounts above. `file__q0`, `file__r0`, `file__s0`, ... are the names
from the root of each mount up to that of its filesystem: a bind mount begins within one. `file__t0` is the
type of the filesystem, which tells a pipe from a socket: neither has directories. The names of the arguments
say how to join them, so nothing else has to be stored with a probe or a recording.
"""

import re
from collections.abc import Iterable, Sequence

ROOT = "/"
CUT = "..."
"""Begins a path whose upper part was not read."""

SUFFIX_MAX = 5  # characters of `__p10`
_PART = re.compile(r"(\w+?)__([pmnoqrst])(\d{1,2})\Z")
FILE_SYSTEM = "t"
_LEVELS = "pmnoqrs" + FILE_SYSTEM
_WITHOUT_DIRECTORIES = {"pipefs": "pipe:", "sockfs": "socket:", "anon_inodefs": "anon_inode:"}
"""By type of filesystem, how /proc/PID/fd begins the names of its files."""
_ROOT_OF = {"p": "q", "m": "r", "n": "s"}
"""By level of names, that of the root of the mount that they are in."""
_FEWEST = 3
"""Names that must be the same to be those of an object without directories, which is its own parent."""


def part_name(name: str, level: str, number: int) -> str:
    """Return the name of the argument with a part of the path `name`."""
    return f"{name}__{level}{number}"


def parts_of(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of the parts of each path among an event's arguments, in order, by the path's name."""
    known = set(names)
    found: dict[str, list[tuple[int, int, str]]] = {}
    for name in known:
        match = _PART.match(name)
        if match and match[1] in known and part_name(match[1], "p", 1) in known:
            found.setdefault(match[1], []).append((_LEVELS.index(match[2]), int(match[3]), name))
    return {name: tuple(part for _, _, part in sorted(parts)) for name, parts in found.items()}


def levels_of(parts: Iterable[str]) -> list[str]:
    """Return the level of each part, by its name, as `join_path` takes it.

    >>> levels_of(["file__p1", "file__m0"])
    ['p', 'm']
    """
    return [part.rpartition("__")[2][0] for part in parts]


def join_path(name: str | None, parts: Sequence[tuple[str, str | None]]) -> str | None:
    """Return the path of a file.

    Args:
        name: its own name; None if it could not be read.
        parts: the level (`p`, `m`, `q`, ...) and the text of each part, in the order of `parts_of`.

    Returns:
        The path from the root, with `...` before it where the rest was not read; None if there is no name.
    """
    if name is None:
        return None
    levels = {level: [text for one, text in parts if one == level] for level in _LEVELS}
    own = [name, *levels["p"]]
    if name != ROOT and len(own) >= _FEWEST and all(text == name for text in own):
        # A pipe, a socket: it is its own parent.
        kind = next(iter(levels[FILE_SYSTEM]), None) or ""
        return _WITHOUT_DIRECTORIES.get(kind, "") + name
    components, is_whole = _within_mount(own, levels[_ROOT_OF["p"]])
    for level in "mno":
        if not is_whole or not levels[level]:
            is_whole = is_whole and level == "m"  # a dentry is in no mount
            break
        if levels[level][0] == ROOT:
            return _joined(components, is_whole=True)
        above, is_whole = _within_mount(levels[level], levels.get(_ROOT_OF.get(level, ""), []))
        components += above
    else:
        is_whole = False  # the mounts above were not read
    return _joined(components, is_whole=is_whole)


def _within_mount(names: Sequence[str | None], root: Sequence[str | None]) -> tuple[list[str], bool]:
    """Return the names below the root of a mount, innermost first, and whether the root was reached.

    Args:
        root: the names from the mount's root up to that of its filesystem; empty if they were not read.
    """
    found, is_whole = _upwards(names)
    above, is_known = _upwards(root)
    if not root or (is_known and not above):
        return found, is_whole
    places = [
        at for at in range(len(found)) if _may_be(found[at:], above, is_whole=is_whole, is_known=is_known)
    ]
    if not places:
        return found, False
    # If names were not read, or come again, the root may be higher.
    return found[: places[0]], is_whole and len(places) == 1


def _may_be(names: Sequence[str], root: Sequence[str], *, is_whole: bool, is_known: bool) -> bool:
    """Return whether a directory with these names upwards can be the root of the mount.

    Args:
        is_whole: `names` reach the root of the filesystem.
        is_known: `root` does.
    """
    count = min(len(names), len(root))
    if not count or names[:count] != root[:count]:
        return False
    return not (is_whole and len(names) < len(root)) and not (is_known and len(names) > len(root))


def _upwards(names: Sequence[str | None]) -> tuple[list[str], bool]:
    """Return the names below the root of a filesystem, innermost first, and whether the root was reached."""
    found: list[str] = []
    for name in names:
        if name == ROOT:
            return found, True
        if name is None:
            break
        found.append(name)
    return found, False


def _joined(components: Sequence[str], *, is_whole: bool) -> str:
    return ("" if is_whole else CUT) + ROOT + ROOT.join(reversed(components))
