"""The files in one directory of the traced machine: a `Host` and a path.

Paths are relative to `root`. Text is UTF-8; other bytes become lone surrogates (`surrogateescape`), so that
no information is lost.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ktrace.errors import Exhausted
from ktrace.host.host import Held, Host


class Files:
    """The files in one directory of the traced machine.

    All methods raise OSError as the kernel reports it, and Exhausted at the limit of open files, which says
    nothing about the file itself.

    Attributes:
        host: the machine.
        root: the directory.
    """

    def __init__(self, host: Host, root: str) -> None:
        self.host = host
        self.root = root

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.root!r})"

    def read_bytes(self, path: str) -> bytes:
        """Read a whole file."""
        with _OPENING:
            return self.host.read_bytes(self._full(path))

    def read(self, path: str) -> str:
        """Read a whole file as text."""
        return self.read_bytes(path).decode("utf-8", "surrogateescape")

    def write(self, path: str, text: str) -> None:
        """Append `text` and a newline in one write(2); never truncate."""
        with _OPENING:
            self.host.append(self._full(path), (text + "\n").encode("utf-8", "surrogateescape"))

    def clear(self, path: str) -> None:
        """Empty a list whose entries are all our own. Not for definitions, events, triggers: see `write`."""
        with _OPENING:
            self.host.clear(self._full(path))

    def list(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""
        return self.host.list(self._full(path))

    def is_dir(self, path: str) -> bool:
        """Return whether there is a directory of that name."""
        return self.host.is_dir(self._full(path))

    def exists(self, path: str) -> bool:
        """Return whether the path exists."""
        return self.host.exists(self._full(path))

    def link(self, path: str) -> str | None:
        """Return the target of a symbolic link, or None if it cannot be read."""
        try:
            return self.host.readlink(self._full(path))
        except OSError:
            return None

    def mkdir(self, path: str) -> None:
        """Make a directory (of an instance)."""
        self.host.mkdir(self._full(path))

    def rmdir(self, path: str) -> None:
        """Remove a directory (of an instance)."""
        self.host.rmdir(self._full(path))

    def stream(self, path: str) -> int:
        """Open a file for non-blocking reading and return its descriptor; the caller closes it."""
        with _OPENING:
            return self.host.stream(self._full(path))

    def hold(self, path: str) -> Held:
        """Open a file or directory and keep it open."""
        with _OPENING:
            return self.host.hold(self._full(path))

    def below(self, path: str) -> "Files":
        """Return the files in `path` as a new root: an instance looks like the tracing directory."""
        return Files(self.host, self._full(path))

    def _full(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root


class _Opening:
    """Raises Exhausted in place of an OSError at a limit of open files."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if isinstance(error, OSError) and (full := Exhausted.of(error)) is not None:
            raise full from error


_OPENING = _Opening()  # one for all calls: it keeps nothing


@contextmanager
def reading(files: Files, path: str) -> Iterator[int]:
    """Open a stream and close its descriptor at the end of the block."""
    fd = files.stream(path)
    try:
        yield fd
    finally:
        os.close(fd)
