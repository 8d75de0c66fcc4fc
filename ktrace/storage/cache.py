"""Cache files. ktrace checks who can write them before it trusts them.

Under sudo, another user may be able to write to the cache folder. Files planted there could give wrong
probe places, or a kernel that would be booted with our rights.
"""

import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the user's cache folder for ktrace (XDG base directories); None without a home folder."""
    home = environ.get("XDG_CACHE_HOME", "")
    if home.startswith("/"):
        return Path(home, "ktrace")
    home = environ.get("HOME", "")
    return Path(home, ".cache", "ktrace") if home.startswith("/") else None


def is_trusted(status: os.stat_result) -> bool:
    """Return whether only this user and root could write a file or folder."""
    writable = not stat.S_ISLNK(status.st_mode) and status.st_mode & stat.S_IWOTH
    return status.st_uid in (os.geteuid(), 0) and not writable


def find_untrusted(folder: Path) -> Path | None:
    """Return a path in a folder, or the folder itself, that another user could write; None if there is none.

    Raises:
        OSError: the folder cannot be searched.
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
    """Open a cache file for reading; return None if it is missing, a link, a pipe or not trusted."""
    try:
        # Without O_NONBLOCK, opening a pipe would wait for a writer.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode) and is_trusted(status):
        return os.fdopen(fd, "rb")
    os.close(fd)
    return None


def create_beside(path: Path) -> tuple[BinaryIO, Path]:
    """Create a temporary cache file next to `path`, to be renamed to `path` when it is complete.

    Raises:
        OSError: it cannot be created, or another user created a file of that name.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)  # left by a killed process that had our PID
    return os.fdopen(os.open(temporary, _CREATE, 0o644), "wb"), temporary


def keep(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a cache file. Errors are ignored: they only make the next run slower."""
    temporary = None
    try:
        file, temporary = create_beside(path)
        with file:
            file.writelines(pieces)
        # Another ktrace that reads or writes the file now must see the old or the new one, complete.
        temporary.replace(path)
    except OSError:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
