"""Write the "newc" cpio archive that the kernel unpacks as its first root file system.

The layout is that of Documentation/driver-api/early-userspace/buffer-format.rst: a header of 110
ASCII characters, the name, the data, each padded to 4 bytes; a file called `TRAILER!!!` ends it.
"""

import stat
from collections.abc import Iterable
from dataclasses import dataclass

MAGIC = b"070701"
TRAILER = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive.

    `path` is relative to the root, without a leading slash. `mode` holds type and permissions as
    in `st_mode`; `data` a file's content or a symbolic link's target. `device` is the major and
    minor number of a device node.
    """

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(path: str) -> Entry:
    """A directory with mode 0755."""
    return Entry(path, stat.S_IFDIR | 0o755)


def regular(path: str, data: bytes, *, executable: bool = False) -> Entry:
    """A file with mode 0644, or 0755 where it is `executable`."""
    return Entry(path, stat.S_IFREG | (0o755 if executable else 0o644), data)


def symlink(path: str, target: str) -> Entry:
    """A symbolic link to `target`."""
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def character_device(path: str, major: int, minor: int) -> Entry:
    """A character device node with mode 0600."""
    return Entry(path, stat.S_IFCHR | 0o600, device=(major, minor))


def archive(entries: Iterable[Entry]) -> bytes:
    """The whole archive, in the order given: a directory must come before what is in it."""
    parts = [_record(entry, inode) for inode, entry in enumerate(entries, start=1)]
    parts.append(_record(Entry(TRAILER, 0), 0))
    return b"".join(parts)


def _record(entry: Entry, inode: int) -> bytes:
    name = entry.path.encode() + b"\0"
    numbers = (
        inode,
        entry.mode,
        0,  # uid
        0,  # gid
        1,  # links: no hard links, so inode numbers only have to differ
        0,  # mtime: the same input gives the same archive
        len(entry.data),
        0,  # major and minor of the device the file was on
        0,
        *entry.device,
        len(name),
        0,  # checksum: not used by this variant
    )
    header = MAGIC + b"".join(b"%08x" % number for number in numbers)
    return _pad(header + name) + _pad(entry.data)


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
