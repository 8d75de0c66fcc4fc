"""A recording that is not whole yet: pages of each CPU in a file of their own beside it.

While it is made there are FILE, which says everything but names and has no pages, FILE.cpuN with the
pages of CPU N as they come, and FILE.cmdlines with names of tasks. At the end, `assemble` moves the pages
into FILE, the last ones first, and cuts them off FILE.cpuN as it goes. So at every moment the pages of a
CPU are those of FILE.cpuN followed by the part of FILE that begins as far behind the place of the first:
whenever it is killed, nothing but a page that was not whole is gone. It never takes more room on the disk
than the recording itself, and a piece.
"""

import errno
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ktrace.tracedat.contents import Contents
from ktrace.tracedat.source import FileBytes
from ktrace.tracedat.writer import Layout, encode_start

PIECE = 1 << 20  # bytes moved at a time
_SPARE = 4 * PIECE


def part_path(path: str, cpu: int) -> str:
    """The file with the pages of one CPU."""
    return f"{path}.cpu{cpu}"


def names_path(path: str) -> str:
    """The file with names of tasks, as `saved_cmdlines` has them."""
    return f"{path}.cmdlines"


def is_unfinished(path: str) -> bool:
    """Whether FILE is a recording that is still made, or was killed.

    trace-cmd, too, leaves files called FILE.cpuN: those alone say nothing.
    """
    return Path(names_path(path)).exists()


def find_parts(path: str) -> dict[int, str]:
    """Files with pages beside `path`, by CPU."""
    place = Path(path)
    pattern = re.compile(re.escape(place.name) + r"\.cpu(\d+)\Z")
    try:
        names = [entry.name for entry in place.parent.iterdir()]
    except OSError:
        return {}
    return {int(match[1]): f"{path}.cpu{match[1]}" for name in names if (match := pattern.match(name))}


def begin(path: str, contents: Contents, cpus: list[int]) -> None:
    """Write FILE as it is before any page came; what an earlier recording left beside it goes."""
    remove_parts(path)
    layout = encode_start(contents, dict.fromkeys(cpus, 0))
    Path(path).write_bytes(layout.start)
    save_names(path, b"")
    # Room for what `assemble` needs before it has made some, if the disk is full then.
    with open(_new_path(path), "wb") as file:  # noqa: PTH123 -- a descriptor is what is wanted
        os.posix_fallocate(file.fileno(), 0, layout.size + _SPARE)


def give_up_room(path: str) -> None:
    """Of the room set aside, give up what FILE.cpuN need for pages that are on their way."""
    new = Path(_new_path(path))
    with suppress(OSError):
        os.truncate(new, max(new.stat().st_size - 2 * PIECE, 0))


def save_names(path: str, names: bytes) -> None:
    """Replace FILE.cmdlines, as a whole or not at all."""
    new = Path(names_path(path) + ".new")
    new.write_bytes(names)
    new.replace(names_path(path))


def assemble(
    path: str, contents: Contents, cpus: list[int], interrupted: Callable[[], bool] = lambda: False
) -> int:
    """Make FILE whole, and remove what is beside it; returns its size.

    Args:
        interrupted: asked now and then; when it says so, EINTR is raised.

    Raises:
        OSError: something could not be written: what is there can be read with `TraceDat(recover=True)`.
    """
    parts = find_parts(path)
    sizes = dict.fromkeys(cpus, 0)
    for cpu, part in parts.items():
        whole = Path(part).stat().st_size // contents.page_size * contents.page_size
        os.truncate(part, whole)
        sizes[cpu] = whole
    layout = encode_start(contents, sizes)
    _replace_start(path, layout)
    with open(path, "r+b") as file:  # noqa: PTH123 -- a descriptor is what is wanted
        for row in layout.cpus:
            if row.cpu in parts:
                _move_backwards(parts[row.cpu], file.fileno(), row.offset, interrupted)
    remove_parts(path)
    return layout.size


def remove_parts(path: str) -> None:
    """Remove what is beside FILE."""
    for part in find_parts(path).values():
        Path(part).unlink()
    for name in (names_path(path) + ".new", _new_path(path), names_path(path)):
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


def _new_path(path: str) -> str:
    return f"{path}.new"


def _replace_start(path: str, layout: Layout) -> None:
    """FILE with its final beginning and size, and holes in place of pages: as a whole or not at all."""
    new = Path(_new_path(path))
    try:
        new.write_bytes(layout.start)
        os.truncate(new, layout.size)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    new.chmod(Path(path).stat().st_mode & 0o7777)
    new.replace(path)


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
