"""An unfinished recording: files next to FILE, which is not changed until the recording is complete.

While a recording is being made, there are

    FILE.new        everything but pages and names
    FILE.cpuN       the pages of CPU N as they come
    FILE.cmdlines   the names of tasks
    FILE.room       space reserved for `assemble`, in case the disk is full by then

At the end, `assemble` moves the pages into FILE.new, the last ones first, and truncates FILE.cpuN as it
goes. So at every moment, the pages of a CPU are those in FILE.cpuN, followed by those in FILE.new from the
offset of the CPU's pages plus the size of FILE.cpuN. If the process is killed, only an incomplete page is
lost. The files never take more disk space than the recording itself plus one piece. Finally, FILE.new is
renamed to FILE.

All of these files are created with O_EXCL: a link or a file that someone else has put there is an error.
The recording process holds a lock (flock(2)) on FILE.room, which becomes FILE.new and then FILE.
"""

import errno
import fcntl
import os
import re
import shlex
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ktrace.errors import Busy, KtraceError
from ktrace.tracedat.contents import Contents
from ktrace.tracedat.source import FileBytes
from ktrace.tracedat.writer import Layout, encode_start

PIECE = 1 << 20  # bytes moved at a time
_SPARE = 4 * PIECE
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def head_path(path: str) -> str:
    """Return the path of the file that becomes FILE."""
    return f"{path}.new"


def part_path(path: str, cpu: int) -> str:
    """Return the path of the file with the pages of one CPU."""
    return f"{path}.cpu{cpu}"


def names_path(path: str) -> str:
    """Return the path of the file with the names of tasks, in the format of `saved_cmdlines`."""
    return f"{path}.cmdlines"


def is_unfinished(path: str) -> bool:
    """Return whether a recording called FILE is still being made, or was killed.

    trace-cmd also leaves files called FILE.cpuN, so those alone prove nothing.
    """
    return os.path.lexists(names_path(path)) and os.path.lexists(head_path(path))


def find_parts(path: str) -> dict[int, str]:
    """Return the files with pages next to `path`, by CPU."""
    place = Path(path)
    pattern = re.compile(re.escape(place.name) + r"\.cpu(\d+)\Z")
    try:
        names = [entry.name for entry in place.parent.iterdir()]
    except OSError:
        return {}
    return {int(match[1]): f"{path}.cpu{match[1]}" for name in names if (match := pattern.match(name))}


def place_of(path: str) -> str:
    """Return the path that the names of files next to FILE begin with; FILE may be a link."""
    return os.path.realpath(path) if Path(path).is_symlink() else path


def files_of(path: str) -> list[str]:
    """Return the files next to FILE that an unfinished recording has or may have."""
    names = [head_path(path), _room_path(path), names_path(path), f"{names_path(path)}.new"]
    return [*names, *find_parts(path).values()]


def begin(path: str, contents: Contents, cpus: list[int], mode: int = 0o666) -> int:
    """Write everything that precedes the first page, and remove what a killed recording has left.

    Nothing is removed before everything has been written.

    Args:
        mode: the mode of the new files, before the umask is applied.

    Returns:
        a descriptor that holds the lock; the caller closes it at the end.

    Raises:
        Busy: another process is recording to FILE.
        KtraceError: someone else's file has one of the names.
        OSError: something cannot be written; the new files are removed.
    """
    _check_leftovers(path)
    layout = encode_start(contents, dict.fromkeys(cpus, 0))
    lock = -1
    with _new_file(_temporary_name(path), mode) as (head, head_fd):
        _write_all(head_fd, layout.start)
        with _new_file(_temporary_name(path), mode) as (room, room_fd):
            _lock(room_fd)
            # Space that `assemble` needs before it frees any.
            os.posix_fallocate(room_fd, 0, layout.size + _SPARE)
            remove_parts(path)
            try:
                # Create all files now, so that nobody can put a link where one is needed later.
                for name in (names_path(path), *(part_path(path, cpu) for cpu in cpus)):
                    os.close(os.open(name, _CREATE, mode))
                Path(room).rename(_room_path(path))
                Path(head).rename(head_path(path))
                lock = os.dup(room_fd)
            except BaseException:
                remove_parts(path)
                raise
    return lock


def open_part(path: str, cpu: int) -> int:
    """Open the file that `begin` created for the pages of one CPU."""
    return os.open(part_path(path, cpu), os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


def give_up_room(path: str) -> None:
    """Free some of the reserved space for pages that still have to go to FILE.cpuN."""
    room = Path(_room_path(path))
    with suppress(OSError):
        os.truncate(room, max(room.stat().st_size - 2 * PIECE, 0))


def save_names(path: str, names: bytes) -> None:
    """Replace FILE.cmdlines atomically."""
    new = f"{names_path(path)}.new"
    # If someone else has put a file there, the names are saved at the end with the rest.
    with suppress(FileExistsError), _new_file(new, os.lstat(names_path(path)).st_mode & 0o666) as (_, fd):
        _write_all(fd, names)
        Path(new).replace(names_path(path))


def assemble(
    path: str,
    contents: Contents,
    cpus: list[int],
    lock: int,
    old: os.stat_result | None = None,
    interrupted: Callable[[], bool] = lambda: False,
) -> int:
    """Complete FILE.new, let it replace FILE, remove the files next to it, and return its size.

    Args:
        lock: what `begin` returned.
        old: status of the FILE that existed at the start, whose mode and owner are kept; None if none did.
        interrupted: called from time to time; if it returns True, EINTR is raised.

    Raises:
        OSError: something could not be written. The files can be read with `TraceDat(recover=True)`, or
            FILE.new is complete.
    """
    sizes = {}
    for cpu in cpus:  # other files with such names do not belong to this recording
        whole = Path(part_path(path, cpu)).stat().st_size // contents.page_size * contents.page_size
        os.truncate(part_path(path, cpu), whole)
        sizes[cpu] = whole
    layout = encode_start(contents, sizes)
    _replace_start(path, layout, lock)
    for row in layout.cpus:
        if row.cpu in sizes:
            _move_backwards(part_path(path, row.cpu), lock, row.offset, interrupted)
    _put_in_place(path, lock, old)
    remove_parts(path)
    return layout.size


def remove_parts(path: str) -> None:
    """Remove the files next to FILE.

    Pages go first; FILE.cmdlines, which marks the files as one recording, goes last.
    """
    last = names_path(path)
    for name in (*(name for name in files_of(path) if name != last), last):
        Path(name).unlink(missing_ok=True)


def read_names(path: str) -> bytes:
    """Return the names of tasks saved with an unfinished recording; empty if there are none."""
    with suppress(OSError):
        return Path(names_path(path)).read_bytes()
    return b""


def open_parts(path: str, page_size: int) -> dict[int, tuple[FileBytes, int]]:
    """Open the files with pages; return them by CPU, with the size of the whole pages in each."""
    opened = {cpu: FileBytes(part) for cpu, part in find_parts(path).items()}
    return {cpu: (part, part.size // page_size * page_size) for cpu, part in opened.items()}


def _room_path(path: str) -> str:
    return f"{path}.room"


def _check_leftovers(path: str) -> None:
    """Raise unless the existing files were left by a finished recording of this user."""
    there = [name for name in files_of(path) if os.path.lexists(name)]
    if there and names_path(path) not in there:
        raise KtraceError(
            f"{there[0]} is in the way: a file of this name is needed while {path} is recorded",
            hint=f"record to another file, or remove it:\nrm {shlex.quote(there[0])}",
        )
    for name in there:
        status = os.lstat(name)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise KtraceError(
                f"{name} is in the way: it is not a regular file of this user", hint="record to another file"
            )
        with _opened(name) as fd:
            try:
                _lock(fd)
            except BlockingIOError:
                raise Busy(
                    f"{path} is being recorded by another ktrace", hint="record to another file"
                ) from None


def _lock(fd: int) -> None:
    """Lock a file if its file system has locks.

    Raises BlockingIOError if another process holds the lock.
    """
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
            raise


@contextmanager
def _new_file(name: str, mode: int) -> Iterator[tuple[str, int]]:
    """Create a file; if the block fails, remove the file unless it was renamed."""
    fd = os.open(name, _CREATE, mode)
    try:
        yield name, fd
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    finally:
        os.close(fd)


def _temporary_name(path: str) -> str:
    return str(Path(path).with_name(f".ktrace-{os.urandom(6).hex()}"))


@contextmanager
def _opened(name: str) -> Iterator[int]:
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _replace_start(path: str, layout: Layout, lock: int) -> None:
    """Replace FILE.new atomically.

    The new file has its final beginning and size, with holes instead of pages.
    """
    os.ftruncate(lock, 0)
    _write_all(lock, layout.start)
    os.ftruncate(lock, layout.size)
    Path(_room_path(path)).replace(head_path(path))


def _put_in_place(path: str, lock: int, old: os.stat_result | None) -> None:
    if old is not None:
        with suppress(PermissionError):
            os.fchown(lock, old.st_uid, old.st_gid)
        os.fchmod(lock, old.st_mode & 0o777)
    Path(head_path(path)).replace(path)


def _move_backwards(part: str, to: int, offset: int, interrupted: Callable[[], bool]) -> None:
    """Move a file's bytes to `offset` in another, the last first, truncating the source as it goes."""
    fd = os.open(part, os.O_RDWR | os.O_CLOEXEC)
    try:
        left = os.fstat(fd).st_size
        while left:
            if interrupted():
                raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))
            at = (left - 1) // PIECE * PIECE
            _copy(fd, to, at, left - at, offset + at)
            os.ftruncate(fd, at)
            left = at
    finally:
        os.close(fd)


def _copy(source: int, to: int, at: int, size: int, offset: int) -> None:
    """Copy within the kernel if possible; file systems that can share blocks then copy no data."""
    while size:
        try:
            copied = os.copy_file_range(source, to, size, at, offset)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
            copied = os.pwrite(to, os.pread(source, size, at), offset)
        if not copied:
            raise OSError(errno.EIO, "became shorter while it was copied")
        at, size, offset = at + copied, size - copied, offset + copied
