"""Cache files that may hold a program: only this user can have written them.

`storage.cache` also trusts root. Here that is not enough: what is read is run with this user's rights. So
the folder and the file must belong to this user, and nobody else may have any right to them. The folder is
opened once and files are opened in it, so it cannot be exchanged in between.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FILES_MAX = 256  # in a folder; the oldest go
_SIZE_MAX = 8 << 20  # bytes of a file
_NEW = ".new"
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def read_private(folder: Path, name: str) -> bytes | None:
    """Return the content of a file; None if it is missing, or if another user may have written it."""
    try:
        with _opened(folder) as at:
            # Without O_NONBLOCK, opening a pipe would wait for a writer.
            fd = os.open(name, _OPEN | os.O_NONBLOCK, dir_fd=at)
            with os.fdopen(fd, "rb") as file:
                status = os.fstat(fd)
                if not stat.S_ISREG(status.st_mode) or not _is_private(status) or status.st_size > _SIZE_MAX:
                    return None
                return file.read(_SIZE_MAX)
    except OSError:
        return None


def write_private(folder: Path, name: str, content: bytes) -> None:
    """Write a file, complete or not at all. Errors are ignored: they only make the next run slower."""
    if len(content) > _SIZE_MAX:
        return
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(folder) as at:
            _make_room(at)
            _write(at, name, content)


def _write(at: int, name: str, content: bytes) -> None:
    temporary = f"{name}.{os.getpid()}{_NEW}"
    with suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=at)  # left by a killed process that had our PID
    try:
        with os.fdopen(os.open(temporary, _CREATE, 0o600, dir_fd=at), "wb") as file:
            file.write(content)
        # Another ktrace that reads or writes the file now must see the old or the new one, complete.
        os.rename(temporary, name, src_dir_fd=at, dst_dir_fd=at)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=at)
        raise


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """Open a folder. Raises OSError if it is missing, a link, or if another user has a right to it."""
    at = os.open(folder, _OPEN | os.O_DIRECTORY)
    try:
        if not _is_private(os.fstat(at)):
            raise PermissionError(f"{folder}: another user has a right to it")
        yield at
    finally:
        os.close(at)


def _is_private(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _make_room(at: int) -> None:
    """Delete the oldest files if there are too many, those included that were never completed."""
    names = os.listdir(at)
    if len(names) < _FILES_MAX:
        return
    ages: list[tuple[int, str]] = []
    for name in names:
        with suppress(OSError):  # another process deletes files, too
            ages.append((os.stat(name, dir_fd=at, follow_symlinks=False).st_mtime_ns, name))
    for _, name in sorted(ages)[: len(ages) - _FILES_MAX // 2]:
        with suppress(OSError):
            os.unlink(name, dir_fd=at)
