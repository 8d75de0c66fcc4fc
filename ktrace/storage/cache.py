"""Files that ktrace keeps for the next time, and asks for their owner before it trusts them.

With sudo the cache folder may be one that another user can write: what is in it would lead us to wrong
places, or be a kernel of theirs that is booted with our rights.
"""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def is_trusted(status: os.stat_result) -> bool:
    """Return whether only this user and root could write a file or folder."""
    writable = not stat.S_ISLNK(status.st_mode) and status.st_mode & stat.S_IWOTH
    return status.st_uid in (os.geteuid(), 0) and not writable


def find_untrusted(folder: Path) -> Path | None:
    """Return something in a folder, or the folder itself, that somebody else could write; None without.

    Raises:
        OSError: it cannot be looked through.
    """
    if not is_trusted(folder.lstat()):
        return folder

    def refuse(error: OSError) -> None:
        raise error

    for where, folders, files in os.walk(folder, onerror=refuse):
        for name in (*folders, *files):
            path = Path(where, name)
            if not is_trusted(path.lstat()):
                return path
    return None


def open_cached(path: Path) -> BinaryIO | None:
    """Open a file of a cache to read; None if there is none, or it is a link, a pipe or not to be trusted."""
    try:
        # A pipe would keep us waiting for somebody who writes.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode) and is_trusted(status):
        return os.fdopen(fd, "rb")
    os.close(fd)
    return None


def create_beside(path: Path) -> tuple[BinaryIO, Path]:
    """Make a file of a cache under a name of its own, to be renamed to `path` when it is whole.

    Raises:
        OSError: it cannot be made, or somebody else has put something there.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)  # left by one that was killed and had our number
    return os.fdopen(os.open(temporary, _CREATE, 0o644), "wb"), temporary


def keep(path: Path, pieces: Iterable[bytes]) -> None:
    """Keep a file. A folder that cannot be written only means that the next run is slower."""
    temporary = None
    try:
        file, temporary = create_beside(path)
        with file:
            file.writelines(pieces)
        # Another ktrace may be reading, or doing the same: it sees the old file or the new one.
        temporary.replace(path)
    except OSError:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
