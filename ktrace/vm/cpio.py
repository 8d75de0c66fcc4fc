"""Write the "newc" cpio archive that the kernel unpacks as its first root file system.

The layout is that of Documentation/driver-api/early-userspace/buffer-format.rst: a header of 110 ASCII
characters, the name and the data, each padded to 4 bytes. A file called `TRAILER!!!` ends the archive.
"""

import stat
from collections.abc import Iterable
from dataclasses import dataclass

MAGIC = b"070701"
TRAILER = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive.

    `path` is relative to the root, without a leading slash. `mode` is the type and permissions as in
    `st_mode`. `data` is a file's content or a symbolic link's target. `device` is the major and minor number
    of a device node.
    """

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(path: str) -> Entry:
    """Return a directory with mode 0755."""
    return Entry(path, stat.S_IFDIR | 0o755)


def regular(path: str, data: bytes, *, executable: bool = False) -> Entry:
    """Return a file with mode 0644, or 0755 if it is `executable`."""
    return Entry(path, stat.S_IFREG | (0o755 if executable else 0o644), data)


def symlink(path: str, target: str) -> Entry:
    """Return a symbolic link to `target`."""
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def character_device(path: str, major: int, minor: int) -> Entry:
    """Return a character device node with mode 0600."""
    return Entry(path, stat.S_IFCHR | 0o600, device=(major, minor))


def archive(entries: Iterable[Entry]) -> bytes:
    """Return the whole archive in the given order; a directory must precede its contents."""
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
        1,  # links: without hard links, inode numbers only have to differ
        0,  # mtime: 0, so that the same input gives the same archive
        len(entry.data),
        0,  # major and minor of the device that the file was on
        0,
        *entry.device,
        len(name),
        0,  # checksum: not used by this variant
    )
    header = MAGIC + b"".join(b"%08x" % number for number in numbers)
    return _pad(header + name) + _pad(entry.data)


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
