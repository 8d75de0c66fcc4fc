"""Find the parts of a file's path: the directories above it, and those above the mounts that it is in."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from ktrace.errors import KtraceError
from ktrace.expr.resolve import Resolver
from ktrace.expr.tree import ContainerOf, Name, TypeName
from ktrace.expr.value import Value
from ktrace.model.ctype import Pointer, Record, bare
from ktrace.model.path_parts import FILE_SYSTEM

_PARENTS = 11
_MOUNTS = (("m", 6, "q"), ("n", 5, "r"), ("o", 2, "s"))
"""The levels of mounts above a file, how many directories are read of each, and the level of the root of the
mount below. The last one shows whether there is another mount above."""
_ROOTS = 3
"""The names read of a mount's root: one is enough to know that it is not a bind mount."""


def path_values(value: Value, resolver: Resolver, at: int) -> tuple[tuple[str, Value], ...]:
    """Return the texts above a file's own name, and the suffix of each one's argument.

    Args:
        value: a `struct file *`, a `struct dentry *`, a `struct path` or a pointer to one.
        at: the offset in the argument's text that errors point at.
    """
    arrow = isinstance(value.kind, Pointer)
    record = bare(value.target) if arrow and value.target else value.kind
    name = record.name if isinstance(record, Record) else ""
    path = resolver.member(value, "f_path", at, at, arrow=True) if name == "file" else value
    if name == "dentry":
        return tuple(_directories(value, "p", 1, _PARENTS, resolver, at))
    if name not in ("file", "path"):
        return ()
    by_pointer = name == "path" and arrow
    dentry = resolver.member(path, "dentry", at, at, arrow=by_pointer)
    parts = list(_directories(dentry, "p", 1, _PARENTS, resolver, at))
    try:
        mount = _mount(resolver.member(path, "mnt", at, at, arrow=by_pointer), resolver, at)
        for level, count, root in _MOUNTS:
            begin = resolver.member(
                resolver.member(mount, "mnt", at, at, arrow=True), "mnt_root", at, at, arrow=False
            )
            parts += _directories(begin, root, 0, _ROOTS, resolver, at)
            point = resolver.member(mount, "mnt_mountpoint", at, at, arrow=True)
            parts += _directories(point, level, 0, count, resolver, at)
            mount = resolver.member(mount, "mnt_parent", at, at, arrow=True)
    except KtraceError:
        return ()  # without the type of mounts, a path would seem to end where its filesystem does
    return (*parts, *_file_system(dentry, resolver, at))


def _file_system(dentry: Value, resolver: Resolver, at: int) -> Iterator[tuple[str, Value]]:
    """Yield the name of the type of the file's filesystem, which tells a pipe from a socket."""
    with suppress(KtraceError):
        kind = dentry
        for member in ("d_sb", "s_type", "name"):
            kind = resolver.member(kind, member, at, at, arrow=True)
        yield f"{FILE_SYSTEM}0", replace(kind.pointee(0, None), label=f"{FILE_SYSTEM}0")


def _mount(mnt: Value, resolver: Resolver, at: int) -> Value:
    """Return the mount that a `struct vfsmount *` is in."""
    pointer = TypeName("struct", "mount", 0, at)
    return resolver.container(mnt, ContainerOf(Name("", at), pointer, (("mnt", at),), at))


def _directories(
    dentry: Value, level: str, first: int, count: int, resolver: Resolver, at: int
) -> Iterator[tuple[str, Value]]:
    """Yield the name of each directory from `dentry` on, or from its parent if `first` is 1."""
    for number in range(first + count):
        if number >= first:
            qstr = resolver.member(dentry, "d_name", at, at, arrow=True)
            text = resolver.member(qstr, "name", at, at, arrow=False).pointee(0, None)
            yield f"{level}{number}", replace(text, label=f"{level}{number}")
        dentry = resolver.member(dentry, "d_parent", at, at, arrow=True)
