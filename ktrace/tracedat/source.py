"""Bytes at offsets, of a file or of what a compressed section of it holds, and a cursor that reads them.

What is not there is an error with the file's name and the offset: whoever reads past an end, or finds
something else than there must be, raises `Damaged`.
"""

import os
import stat
from types import TracebackType
from typing import Literal, Protocol

from ktrace.errors import Damaged, KtraceError, NotFound

Order = Literal["little", "big"]

_WINDOW = 1 << 16  # read at a time: formats are small and many


class Bytes(Protocol):
    """Something to read from at any offset.

    Attributes:
        name: for messages: the file's.
        size: in bytes.
    """

    name: str
    size: int

    def read(self, offset: int, size: int) -> bytes:
        """Exactly these bytes. Raises Damaged where there are fewer."""

    def place(self, offset: int) -> int:
        """Where in the file that is."""

    def damaged(self, message: str, offset: int) -> Damaged:
        """The error to raise for what makes no sense at `offset`."""


class FileBytes:
    """A file. No more of it is in memory than what was asked for.

    Raises:
        NotFound: there is no such file.
        KtraceError: it is a directory or a pipe.
        OSError: it cannot be opened or read.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        try:
            self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(f"there is no file {path}") from None
        status = os.fstat(self.fd)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise KtraceError(
                f"{path} is not a regular file: a recording is not read from its start to its end"
            )
        self.size = status.st_size

    def __enter__(self) -> "FileBytes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, offset: int, size: int) -> bytes:
        """Exactly these bytes."""
        data = self.read_up_to(offset, size)
        if len(data) < size:
            raise self.damaged(f"the file ends, {size - len(data)} bytes early", offset + len(data))
        return data

    def read_up_to(self, offset: int, size: int) -> bytes:
        """These bytes, or fewer where the file ends."""
        # A size that makes no sense must not be asked for: memory would be set aside for all of it.
        size = min(size, max(self.size - offset, 0))
        data = os.pread(self.fd, size, offset) if size else b""
        while len(data) < size:  # one call takes at most 2 GiB
            more = os.pread(self.fd, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def place(self, offset: int) -> int:
        """Where in the file that is."""
        return offset

    def damaged(self, message: str, offset: int) -> Damaged:
        """The error for this place."""
        return Damaged(message, source=self.name, offset=offset)

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Memory:
    """What a compressed section holds.

    Args:
        name: the file's.
        data: the bytes.
        origin: offset of the section in the file: where errors point, since places within it are in no file.
    """

    def __init__(self, name: str, data: bytes, origin: int) -> None:
        self.name = name
        self.size = len(data)
        self._data = data
        self._origin = origin

    def read(self, offset: int, size: int) -> bytes:
        """Exactly these bytes."""
        if offset + size > self.size:
            raise self.damaged("the section ends early", self.size)
        return self._data[offset : offset + size]

    def place(self, offset: int) -> int:  # noqa: ARG002 -- places within it are in no file
        """Where the section begins."""
        return self._origin

    def damaged(self, message: str, offset: int) -> Damaged:
        """The error for this place."""
        return Damaged(
            f"{message} (byte {offset} of this section, uncompressed)", source=self.name, offset=self._origin
        )


class Cursor:
    """Reads numbers, texts and pieces one behind the other.

    Args:
        source: what is read.
        order: byte order of its numbers.
        at: where to begin.
        end: where to end; None at the end of `source`.
    """

    def __init__(self, source: Bytes, order: Order, at: int = 0, end: int | None = None) -> None:
        self.source = source
        self.order: Order = order
        self.at = at
        self.end = source.size if end is None else end
        self._window = b""
        self._window_at = at

    def number(self, size: int) -> int:
        """An unsigned number of so many bytes."""
        return int.from_bytes(self.take(size), self.order)

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > self.end - self.at:
            raise self.source.damaged(
                f"{size} bytes should follow, but there are {max(self.end - self.at, 0)}", self.at
            )
        begin = self.at - self._window_at
        if begin < 0 or begin + size > len(self._window):
            self._window_at, begin = self.at, 0
            self._window = self.source.read(self.at, max(size, min(_WINDOW, self.end - self.at)))
        self.at += size
        return self._window[begin : begin + size]

    def sized(self, width: int) -> bytes:
        """A number of `width` bytes, and so many bytes behind it."""
        return self.take(self.number(width))

    def text(self, limit: int = 4096) -> str:
        """Text up to a NUL, which is skipped. Longer than `limit`: it is no text."""
        start = self.at
        raw = bytearray()
        while (byte := self.take(1)) != b"\0":
            raw += byte
            if len(raw) > limit:
                raise self.source.damaged("no end of a text found", start)
        return raw.decode("utf-8", "surrogateescape")

    def expect(self, wanted: bytes, what: str) -> None:
        """Skip exactly these bytes. Raises Damaged where others are."""
        start = self.at
        if self.take(len(wanted)) != wanted:
            raise self.source.damaged(f"not {what}", start)
