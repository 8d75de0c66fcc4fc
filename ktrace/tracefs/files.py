"""Files: the one small interface through which every file below a kernel directory is reached.

Another machine's tracefs is another `Files`. Paths are relative to `root`. Text is UTF-8 with bytes
that are none kept as lone surrogates (`surrogateescape`), so that nothing is lost on the way.
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
    """Reading and writing below one directory.

    All methods raise OSError as the kernel reports it, and Exhausted where no further file may be opened.
    """

    root: str

    def read_bytes(self, path: str) -> bytes:
        """The whole file."""

    def read(self, path: str) -> str:
        """The whole file as text."""

    def write(self, path: str, text: str) -> None:
        """Append `text` and a newline in one write(2); never truncates."""

    def clear(self, path: str) -> None:
        """Empty a list of which all is one's own. Never definitions, events or triggers: see `write`."""

    def list(self, path: str) -> list[str]:
        """The names in a directory, sorted."""

    def is_dir(self, path: str) -> bool:
        """Whether there is a directory of that name."""

    def exists(self, path: str) -> bool:
        """Whether there is anything of that name."""

    def mkdir(self, path: str) -> None:
        """Make a directory (of an instance)."""

    def rmdir(self, path: str) -> None:
        """Remove a directory (of an instance)."""

    def stream(self, path: str) -> int:
        """A file descriptor, non-blocking, to read from; the caller closes it."""

    def below(self, path: str) -> "Files":
        """The same, with `path` as its root: an instance looks like the tracing directory."""


class LocalFiles:
    """The files of this machine below `root`."""

    def __init__(self, root: str) -> None:
        self.root = root

    def __repr__(self) -> str:
        return f"LocalFiles({self.root!r})"

    def read_bytes(self, path: str) -> bytes:
        """The whole file, read in large pieces: tracefs files have no size."""
        fd = _open(self._full(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            pieces = []
            while piece := os.read(fd, _READ_SIZE):
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            os.close(fd)

    def read(self, path: str) -> str:
        """The whole file as text."""
        return self.read_bytes(path).decode("utf-8", "surrogateescape")

    def write(self, path: str, text: str) -> None:
        """Append one line in one write(2).

        O_APPEND without O_TRUNC: truncating a definition file deletes other people's probes, and
        truncating `trigger` or `set_event` loses theirs, too.
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
        """Open with O_TRUNC, which is how the kernel is told."""
        os.close(_open(self._full(path), os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC))

    def list(self, path: str) -> list[str]:
        """The names in a directory, sorted."""
        return sorted(entry.name for entry in os.scandir(self._full(path)))

    def is_dir(self, path: str) -> bool:
        """Whether there is a directory of that name."""
        return Path(self._full(path)).is_dir()

    def exists(self, path: str) -> bool:
        """Whether there is anything of that name."""
        return Path(self._full(path)).exists()

    def mkdir(self, path: str) -> None:
        """Make a directory."""
        Path(self._full(path)).mkdir()

    def rmdir(self, path: str) -> None:
        """Remove a directory."""
        Path(self._full(path)).rmdir()

    def stream(self, path: str) -> int:
        """A non-blocking file descriptor to read from."""
        return _open(self._full(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def below(self, path: str) -> "LocalFiles":
        """The files below a directory of these."""
        return LocalFiles(self._full(path))

    def _full(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root


def _open(path: str, flags: int) -> int:
    """As os.open(); raises Exhausted for a limit of open files, which says nothing of this file."""
    try:
        return os.open(path, flags)
    except OSError as error:
        full = Exhausted.of(error)
        if full is not None:
            raise full from error
        raise


@contextmanager
def reading(files: Files, path: str) -> Iterator[int]:
    """A stream's descriptor that is closed at the end of the block."""
    fd = files.stream(path)
    try:
        yield fd
    finally:
        os.close(fd)
