"""The small interface through which every file in a kernel directory is accessed.

Another `Files` can give access to another machine's tracefs. Paths are relative to `root`. Text is UTF-8;
other bytes become lone surrogates (`surrogateescape`), so that no information is lost.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from ktrace.errors import Exhausted

_READ_SIZE = 1 << 16


class Files(Protocol):
    """Access to the files in one directory.

    All methods raise OSError as the kernel reports it, and Exhausted at the limit of open files.
    """

    root: str

    def read_bytes(self, path: str) -> bytes:
        """Read a whole file."""

    def read(self, path: str) -> str:
        """Read a whole file as text."""

    def write(self, path: str, text: str) -> None:
        """Append `text` and a newline in one write(2); never truncate."""

    def clear(self, path: str) -> None:
        """Empty a list whose entries are all our own. Not for definitions, events, triggers: see `write`."""

    def list(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""

    def is_dir(self, path: str) -> bool:
        """Return whether there is a directory of that name."""

    def exists(self, path: str) -> bool:
        """Return whether the path exists."""

    def mkdir(self, path: str) -> None:
        """Make a directory (of an instance)."""

    def rmdir(self, path: str) -> None:
        """Remove a directory (of an instance)."""

    def stream(self, path: str) -> int:
        """Open a file for non-blocking reading and return its descriptor; the caller closes it."""

    def below(self, path: str) -> "Files":
        """Return the files in `path` as a new root: an instance looks like the tracing directory."""


class LocalFiles:
    """The files of this machine below `root`."""

    def __init__(self, root: str) -> None:
        self.root = root

    def __repr__(self) -> str:
        return f"LocalFiles({self.root!r})"

    def read_bytes(self, path: str) -> bytes:
        """Read a whole file, in large pieces: tracefs files have no size."""
        fd = _open(self._full(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            pieces = []
            while piece := os.read(fd, _READ_SIZE):
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            os.close(fd)

    def read(self, path: str) -> str:
        """Read a whole file as text."""
        return self.read_bytes(path).decode("utf-8", "surrogateescape")

    def write(self, path: str, text: str) -> None:
        """Append one line in one write(2).

        Uses O_APPEND without O_TRUNC: truncating a definition file would delete other users' probes, and
        truncating `trigger` or `set_event` would delete their entries.
        """
        data = (text + "\n").encode("utf-8", "surrogateescape")
        fd = _open(self._full(path), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            written = os.write(fd, data)
        finally:
            os.close(fd)
        if written < len(data.rstrip(b"\n")):
            raise OSError(errno.EIO, f"only {written} of {len(data)} bytes taken", self._full(path))

    def clear(self, path: str) -> None:
        """Empty a list by opening it with O_TRUNC."""
        os.close(_open(self._full(path), os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC))

    def list(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""
        return sorted(entry.name for entry in os.scandir(self._full(path)))

    def is_dir(self, path: str) -> bool:
        """Return whether there is a directory of that name."""
        return Path(self._full(path)).is_dir()

    def exists(self, path: str) -> bool:
        """Return whether the path exists."""
        return Path(self._full(path)).exists()

    def mkdir(self, path: str) -> None:
        """Make a directory."""
        Path(self._full(path)).mkdir()

    def rmdir(self, path: str) -> None:
        """Remove a directory."""
        Path(self._full(path)).rmdir()

    def stream(self, path: str) -> int:
        """Open a file for non-blocking reading and return its descriptor."""
        return _open(self._full(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def below(self, path: str) -> "LocalFiles":
        """Return the files in one of the directories."""
        return LocalFiles(self._full(path))

    def _full(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root


def _open(path: str, flags: int) -> int:
    """Open a file; raise Exhausted at a limit of open files, which says nothing about this file."""
    try:
        return os.open(path, flags)
    except OSError as error:
        full = Exhausted.of(error)
        if full is not None:
            raise full from error
        raise


@contextmanager
def reading(files: Files, path: str) -> Iterator[int]:
    """Open a stream and close its descriptor at the end of the block."""
    fd = files.stream(path)
    try:
        yield fd
    finally:
        os.close(fd)
