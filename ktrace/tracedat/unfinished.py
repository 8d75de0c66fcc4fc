"""A recording that is not whole yet: files next to FILE, which stays what it is until then.

While it is made there are

    FILE.new        everything but pages and names
    FILE.cpuN       the pages of CPU N as they come
    FILE.cmdlines   names of tasks
    FILE.room       room for what `assemble` needs, if the disk is full then

At the end, `assemble` moves the pages into FILE.new, the last ones first, and cuts them off FILE.cpuN as it
goes. So at every moment the pages of a CPU are those of FILE.cpuN followed by the part of FILE.new that
begins as far after the place of the first: whenever it is killed, nothing but a page that was not whole is
gone. It never takes more room on the disk than the recording itself, and a piece. Then FILE.new becomes FILE.

All of these files are new, made by O_EXCL: a link or a file that somebody else has put there is an error.
Whoever records holds a lock (flock(2)) on FILE.room, which becomes FILE.new and then FILE.
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
    """The file that becomes FILE."""
    return f"{path}.new"


def part_path(path: str, cpu: int) -> str:
    """The file with the pages of one CPU."""
    return f"{path}.cpu{cpu}"


def names_path(path: str) -> str:
    """The file with names of tasks, as `saved_cmdlines` has them."""
    return f"{path}.cmdlines"


def is_unfinished(path: str) -> bool:
    """Return whether a recording called FILE is still made, or was killed.

    trace-cmd, too, leaves files called FILE.cpuN: those alone say nothing.
    """
    return os.path.lexists(names_path(path)) and os.path.lexists(head_path(path))


def find_parts(path: str) -> dict[int, str]:
    """Files with pages next to `path`, by CPU."""
    place = Path(path)
    pattern = re.compile(re.escape(place.name) + r"\.cpu(\d+)\Z")
    try:
        names = [entry.name for entry in place.parent.iterdir()]
    except OSError:
        return {}
    return {int(match[1]): f"{path}.cpu{match[1]}" for name in names if (match := pattern.match(name))}


def place_of(path: str) -> str:
    """The name that files next to FILE begin with: FILE may be a link."""
    return os.path.realpath(path) if Path(path).is_symlink() else path


def files_of(path: str) -> list[str]:
    """The files next to FILE that an unfinished recording has, or may have."""
    names = [head_path(path), _room_path(path), names_path(path), f"{names_path(path)}.new"]
    return [*names, *find_parts(path).values()]


def begin(path: str, contents: Contents, cpus: list[int], mode: int = 0o666) -> int:
    """Write everything that there is before any page came; what a killed recording left there goes.

    Nothing is removed before all of it has been written.

    Args:
        mode: of the new files, without what the umask takes.

    Returns:
        a descriptor that holds the lock; the caller closes it at the end.

    Raises:
        Busy: it is being recorded.
        KtraceError: a file of somebody else has one of the names.
        OSError: something cannot be written; nothing of it stays.
    """
    _check_leftovers(path)
    layout = encode_start(contents, dict.fromkeys(cpus, 0))
    lock = -1
    with _new_file(_temporary_name(path), mode) as (head, head_fd):
        _write_all(head_fd, layout.start)
        with _new_file(_temporary_name(path), mode) as (room, room_fd):
            _lock(room_fd)
            # Room for what `assemble` needs before it has made some.
            os.posix_fallocate(room_fd, 0, layout.size + _SPARE)
            remove_parts(path)
            try:
                # All of them now: nobody can put a link in the place of one that is needed later.
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
    """Open the file for the pages of one CPU, which `begin` has made."""
    return os.open(part_path(path, cpu), os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


def give_up_room(path: str) -> None:
    """Of the room set aside, give up what FILE.cpuN need for pages that are on their way."""
    room = Path(_room_path(path))
    with suppress(OSError):
        os.truncate(room, max(room.stat().st_size - 2 * PIECE, 0))


def save_names(path: str, names: bytes) -> None:
    """Replace FILE.cmdlines, as a whole or not at all."""
    new = f"{names_path(path)}.new"
    # Where somebody else has put something there, the names are saved with the rest at the end.
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
    """Make FILE.new whole, let it replace FILE, and remove what is next to it; returns its size.

    Args:
        lock: what `begin` returned.
        old: status of the FILE that was there at the start, whose mode and owner stay; None without one.
        interrupted: asked now and then; when it says so, EINTR is raised.

    Raises:
        OSError: something could not be written: what is there can be read with `TraceDat(recover=True)`,
            or is whole, and called FILE.new.
    """
    sizes = {}
    for cpu in cpus:  # what else is called so, is not of this recording
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
    """Remove what is next to FILE: pages first, and last the file that says that they belong together."""
    last = names_path(path)
    for name in (*(name for name in files_of(path) if name != last), last):
        Path(name).unlink(missing_ok=True)


def read_names(path: str) -> bytes:
    """Names of tasks that were saved beside an unfinished recording; empty where none were."""
    with suppress(OSError):
        return Path(names_path(path)).read_bytes()
    return b""


def open_parts(path: str, page_size: int) -> dict[int, tuple[FileBytes, int]]:
    """The files with pages, by CPU, and the bytes of whole pages in each."""
    opened = {cpu: FileBytes(part) for cpu, part in find_parts(path).items()}
    return {cpu: (part, part.size // page_size * page_size) for cpu, part in opened.items()}


def _room_path(path: str) -> str:
    return f"{path}.room"


def _check_leftovers(path: str) -> None:
    """Raise unless what has our names was left by a recording of this user's that has ended."""
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
                f"{name} is in the way: it is not a file of this user's", hint="record to another file"
            )
        with _opened(name) as fd:
            try:
                _lock(fd)
            except BlockingIOError:
                raise Busy(
                    f"{path} is being recorded by another ktrace", hint="record to another file"
                ) from None


def _lock(fd: int) -> None:
    """Lock a file. Raises BlockingIOError where another process has; some file systems have no locks."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
            raise


@contextmanager
def _new_file(name: str, mode: int) -> Iterator[tuple[str, int]]:
    """Make a file; after a failure of the block it is removed, if it has this name still."""
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
    """FILE.new with its final beginning and size, and holes in place of pages: as a whole or not at all."""
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
    """Move a file's bytes to `offset` of another, the last first, cutting off what has been moved."""
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
    """Copy within the kernel where it can: file systems that share blocks copy nothing."""
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
