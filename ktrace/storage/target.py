"""Find the file that an output's name refers to: open it as a shell would, without changing it.

The name is passed to the kernel as given, with O_CREAT and without resolving links first. The kernel's
rules for world-writable sticky folders (`protected_symlinks`, `protected_regular` and `protected_fifos` in
Documentation/admin-guide/sysctl/fs.rst) depend on both, and so apply as they do to `> NAME`.
"""

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ktrace.errors import KtraceError, UsageError

_DESCRIPTOR = re.compile(r"(?:/dev|/proc/self|/proc/thread-self)/fd/(\d+)")
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2, "-": 1}
_STREAM_NAMES = {1: "standard output", 2: "standard error"}


@dataclass(frozen=True, slots=True)
class Target:
    """The file or stream that an output goes to.

    Attributes:
        given: the name as the user wrote it.
        path: the file's real name, with all links resolved; `given` if it is not a file in a folder.
        fd: open for writing and not truncated; -1 if the file does not exist yet.
        status: of `fd`; None if the file does not exist yet.
        folder: an O_PATH descriptor of the folder that holds `path`; -1 if the output is not a regular
            file, or the folder no longer has it under this name.
    """

    given: str
    path: str
    fd: int
    status: os.stat_result | None
    folder: int

    @property
    def is_stream(self) -> bool:
        """Return whether it is written directly: a device, a pipe, or a descriptor that the caller opened."""
        if self.status is None:
            return False
        return not stat.S_ISREG(self.status.st_mode) or descriptor_of(self.given) >= 0

    @property
    def shown(self) -> str:
        """Return the name for messages."""
        return "standard output" if self.given == "-" else self.given

    @property
    def name(self) -> str:
        """Return the file's name in `folder`."""
        return Path(self.path).name

    @property
    def folder_path(self) -> str | None:
        """Return the name of the folder that holds the file; None if there is none."""
        return str(Path(self.path).parent) if self.folder >= 0 else None

    @property
    def identity(self) -> tuple[object, ...]:
        """Return a value that is equal for two names of the same file, even if it does not exist yet."""
        if self.status is not None:
            return self.status.st_dev, self.status.st_ino
        folder = os.fstat(self.folder)
        return folder.st_dev, folder.st_ino, self.name

    def close(self) -> None:
        """Close the descriptors."""
        for fd in (self.fd, self.folder):
            if fd >= 0:
                os.close(fd)


def find_target(given: str, inputs: Iterable[str] = (), others: Iterable[Target] = ()) -> Target:
    """Open the file that an output goes to, without truncating it.

    A file that does not exist is not created: only its folder is opened.

    Args:
        given: the name; `-` and `/dev/stdout` are standard output, `/dev/fd/N` is descriptor N.
        inputs: names of files that the same command reads.
        others: its other outputs.

    Raises:
        UsageError: it is also an input or another output of the same command.
        KtraceError: it cannot be opened.
    """
    with naming(given):
        target = _open(given)
    try:
        _check(target, inputs, others)
    except BaseException:
        target.close()
        raise
    return target


@contextmanager
def naming(shown: str) -> Iterator[None]:
    """Convert an OSError of the block to a KtraceError that names the file."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        name = shown or "a file without a name"
        raise KtraceError(f"{name} cannot be written: {error.strerror or error}") from error


def check_inputs(names: Iterable[str]) -> None:
    """Refuse an input that is also standard output or standard error: it would grow while it is read.

    Args:
        names: names of the files that a command reads; `-` is standard input.

    Raises:
        UsageError: one of them is a regular file that is written to as well.
    """
    for name in names:
        status = _status_of(name)
        if status is None or not stat.S_ISREG(status.st_mode):
            continue
        for fd in (1, 2):
            with suppress(OSError):
                if os.path.samestat(os.fstat(fd), status):
                    emptied = "" if status.st_size else ", and the shell has emptied it"
                    raise UsageError(
                        f"{_input(name)} is both an input and {_STREAM_NAMES[fd]}{emptied}",
                        hint="write to another file, and rename it afterwards",
                    )


def _open(given: str) -> Target:
    descriptor = descriptor_of(given)
    if descriptor >= 0:
        fd = os.dup(descriptor)
        os.set_inheritable(fd, False)
        return Target(given, given, fd, os.fstat(fd), -1)
    existed = _exists(given)
    if not existed and not Path(given).is_symlink():
        folder, name = os.path.split(given)
        if not name:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # "/." makes a link to the folder an inner part of the path, as it is in `given`.
        return Target(given, given, -1, None, _open_folder(f"{folder or '.'}/."))
    fd = os.open(given, os.O_WRONLY | os.O_CREAT | os.O_NOCTTY | os.O_CLOEXEC, 0o666)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return Target(given, given, fd, status, -1)
        target = _in_its_folder(given, fd, status)
    except BaseException:
        os.close(fd)
        raise
    if existed or target.folder < 0:
        return target
    # O_CREAT created the missing target of a link. It must not exist before the output is complete.
    os.unlink(target.name, dir_fd=target.folder)
    os.close(fd)
    return Target(given, target.path, -1, None, target.folder)


def _in_its_folder(given: str, fd: int, status: os.stat_result) -> Target:
    """Find the folder of a file that was opened by a name with or without links."""
    path = os.path.realpath(given)
    folder = -1
    with suppress(OSError):
        folder = _open_folder(str(Path(path).parent))
        found = os.stat(Path(path).name, dir_fd=folder, follow_symlinks=False)
        if os.path.samestat(found, status):
            return Target(given, path, fd, status, folder)
    if folder >= 0:
        os.close(folder)
    return Target(given, given, fd, status, -1)  # removed or replaced meanwhile: the open file is what counts


def _open_folder(path: str) -> int:
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def _exists(given: str) -> bool:
    try:
        Path(given).stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # open(2) says what is wrong with it
    return True


def descriptor_of(given: str) -> int:
    """Return the number of the descriptor that a name refers to; -1 if it refers to a file."""
    if given in _STREAMS:
        return _STREAMS[given]
    match = _DESCRIPTOR.fullmatch(given)
    return int(match[1]) if match else -1


def _check(target: Target, inputs: Iterable[str], others: Iterable[Target]) -> None:
    """Refuse an output that is also another file of the same command."""
    shown, status = target.shown, target.status
    descriptor = descriptor_of(target.given)
    for other in others:
        regular = status is None or stat.S_ISREG(status.st_mode)
        same = regular and other.identity == target.identity
        if same or (descriptor >= 0 and descriptor == descriptor_of(other.given)):
            raise UsageError(f"{shown} and {other.shown} are the same file: one output would be lost")
    if status is None or not stat.S_ISREG(status.st_mode):
        return
    for name in inputs:
        found = _status_of(name)
        if found is not None and os.path.samestat(found, status):
            read = "is also read" if name == shown else f"is {_input(name)}, which is also read"
            raise UsageError(f"{shown} {read}: it would be lost", hint="choose another name for the output")
    if target.is_stream:
        return
    for fd in (1, 2):
        with suppress(OSError):
            if os.path.samestat(os.fstat(fd), status):
                raise UsageError(
                    f"{shown} is also {_STREAM_NAMES[fd]}: one of the two outputs would be lost",
                    hint=f"use /dev/fd/{fd} for the file that is already open",
                )


def _status_of(name: str) -> os.stat_result | None:
    with suppress(OSError):
        return os.fstat(0) if name == "-" else Path(name).stat()
    return None


def _input(name: str) -> str:
    return "standard input" if name == "-" else name
