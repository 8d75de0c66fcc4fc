"""Open outputs. Every command uses `open_output` or its parts.

* A name is opened exactly as given, so that the kernel refuses what it would refuse a shell.
* A file that is also an input, or another output, of the same command is refused.
* Devices, pipes and descriptors are written directly.
* A regular file is replaced when the new one is complete. Until then the new file is called `.ktrace-*`, in
  the same folder, and the old one is unchanged. If the command fails or is ended, the new file is removed.

The new file gets the mode, owner and extended attributes of the one that it replaces. Some files must keep
their inode: those with several hard links, mount points, files in a folder that cannot be written, and
files whose owner cannot be copied. They are overwritten at the end from a complete temporary file.
"""

import contextlib
import errno
import io
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import BinaryIO, cast

from ktrace.errors import Interrupted
from ktrace.storage.named import NamedFile
from ktrace.storage.passing import passing
from ktrace.storage.target import Target, descriptor_of, find_target, naming

_PIECE = 1 << 20
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Errors of creating or renaming a file in a folder where the existing file may still be writable.
_NOT_BY_RENAMING = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV, errno.ENOENT)
# The kernel removes these attributes whenever a file is written.
_LOST_BY_WRITING = ("security.capability", "security.ima", "security.evm")


@contextmanager
def open_output(
    name: str, *, inputs: Iterable[str] = (), others: Iterable[Target] = (), growing: bool = False
) -> Iterator[BinaryIO]:
    """Open the file that an output goes to, and put it in place when the block ends without an error.

    Args:
        name: as the user wrote it; `-` is standard output.
        inputs: names of files that the same command reads.
        others: other outputs of the same command.
        growing: for a run that the user may watch: a new file is visible from the start, and keeps what was
            written if the run fails.

    Raises:
        UsageError: it is also an input, or another output.
        KtraceError: it cannot be opened or replaced.
        OSError: it cannot be written, with `name` as its file name.
    """
    with target_of(name, inputs=inputs, others=others) as target, write_to(target, growing=growing) as out:
        yield out


@contextmanager
def target_of(name: str, *, inputs: Iterable[str] = (), others: Iterable[Target] = ()) -> Iterator[Target]:
    """Find the file of an output, and close its descriptors after the block; see `find_target`."""
    with contextlib.closing(find_target(name, inputs, others)) as target:
        yield target


@contextmanager
def write_to(target: Target, *, growing: bool = False) -> Iterator[BinaryIO]:
    """Write a target; see `open_output`."""
    with ExitStack() as stack:
        stack.enter_context(_signals_as_errors())
        if descriptor_of(target.given) == 1:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif target.is_stream:
            yield stack.enter_context(_buffered(os.dup(target.fd), target.shown))
        elif target.status is None and growing:
            yield stack.enter_context(_growing(target))
        else:
            yield stack.enter_context(_replacing(target))


@contextmanager
def _buffered(fd: int, shown: str) -> Iterator[BinaryIO]:
    """Wrap a descriptor in a file that is flushed and closed at the end of the block."""
    raw = NamedFile(fd, shown)
    out = io.BufferedWriter(raw)
    try:
        yield cast(BinaryIO, out)
        out.flush()
    except BaseException:
        raw.give_up()
        raise
    finally:
        out.close()


@contextmanager
def _growing(target: Target) -> Iterator[BinaryIO]:
    """Create a new file under its final name. If the block fails, remove the file if it is empty."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with naming(target.shown):
        fd = os.open(target.name, flags, 0o666, dir_fd=target.folder)
    try:
        with _buffered(fd, target.shown) as out:
            yield out
    except BaseException:
        with suppress(OSError):
            if not os.stat(target.name, dir_fd=target.folder, follow_symlinks=False).st_size:
                os.unlink(target.name, dir_fd=target.folder)
        raise


@contextmanager
def _replacing(target: Target) -> Iterator[BinaryIO]:
    """Write a temporary file that replaces the target at the end of the block."""
    with ExitStack() as stack:
        with naming(target.shown):
            temporary = _Temporary.for_target(target)
        stack.callback(temporary.remove)
        stack.enter_context(passing(temporary.unlink))
        with _buffered(os.dup(temporary.fd), target.shown) as out:
            yield out
        with naming(target.shown):
            temporary.put_in_place(target)


class _Temporary:
    """The file that becomes the output: in the output's folder, or unnamed if that is not possible.

    Attributes:
        fd: open for reading and writing.
    """

    def __init__(self, fd: int, folder: int, name: str | None) -> None:
        self.fd = fd
        self._folder = folder
        self._name = name

    @classmethod
    def for_target(cls, target: Target) -> "_Temporary":
        """Create the file. Raises OSError if neither kind can be created."""
        status = target.status
        if target.folder >= 0 and (status is None or status.st_nlink == 1):
            name = f".ktrace-{os.urandom(6).hex()}"
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            # The new file must not be readable by anyone who could not read the old one.
            mode = 0o666 if status is None else status.st_mode & 0o600
            try:
                return cls(os.open(name, flags, mode, dir_fd=target.folder), target.folder, name)
            except OSError as error:
                if status is None or error.errno not in _NOT_BY_RENAMING:
                    raise
        from tempfile import TemporaryFile  # noqa: PLC0415 -- slow to load, and seldom needed

        with TemporaryFile(buffering=0) as file:
            return cls(os.dup(file.fileno()), -1, None)

    def put_in_place(self, target: Target) -> None:
        """Replace or overwrite the target with what was written."""
        if self._name is not None and (target.status is None or _carry_over(target, self.fd)):
            try:
                os.rename(self._name, target.name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            except OSError as error:
                if target.status is None or error.errno not in _NOT_BY_RENAMING:
                    raise
            else:
                self._name = None
                return
        # A signal from here on would leave the file half old, half new.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            _copy(self.fd, target.fd)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def remove(self) -> None:
        """Close the file, and remove it unless it is in place."""
        os.close(self.fd)
        self.unlink()

    def unlink(self) -> None:
        """Unlink the file unless it is in place."""
        if self._name is not None:
            with suppress(OSError):
                os.unlink(self._name, dir_fd=self._folder)


def _carry_over(target: Target, fd: int) -> bool:
    """Copy owner, mode and extended attributes to the new file; return False if that fails."""
    old = target.status
    assert old is not None
    try:
        new = os.fstat(fd)
        if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
            os.fchown(fd, old.st_uid, old.st_gid)
        os.fchmod(fd, stat.S_IMODE(old.st_mode) & 0o777)
        _carry_attributes(target.fd, fd)
    except OSError:
        return False
    return True


def _carry_attributes(old: int, new: int) -> None:
    """Copy extended attributes, including access control lists. Raises OSError if one cannot be copied."""
    try:
        names = os.listxattr(old)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOSYS):
            return
        raise
    for name in names:
        if name in _LOST_BY_WRITING:
            continue
        value = os.getxattr(old, name)
        if name not in os.listxattr(new) or os.getxattr(new, name) != value:
            os.setxattr(new, name, value)


def _copy(source: int, to: int) -> None:
    """Overwrite a file with another. Space is allocated first if the file system supports it."""
    size, before = os.fstat(source).st_size, os.fstat(to).st_size
    if size > before:
        try:
            os.posix_fallocate(to, before, size - before)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                os.ftruncate(to, before)
                raise
    at = 0
    while piece := os.pread(source, _PIECE, at):
        left = memoryview(piece)
        while left:
            left = left[os.pwrite(to, left, at + len(piece) - len(left)) :]
        at += len(piece)
    if size < os.fstat(to).st_size:
        os.ftruncate(to, size)


@contextmanager
def _signals_as_errors() -> Iterator[None]:
    """Raise Interrupted on SIGTERM and SIGHUP if their action is the default, which ends the process."""

    def leave(signum: int, _frame: FrameType | None) -> None:
        raise Interrupted(signum)

    changed = []
    if threading.current_thread() is threading.main_thread():
        numbers = (signal.SIGTERM, signal.SIGHUP)
        changed = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in changed:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)
