"""Read bytes at offsets from a file or an unpacked section of it, one by one or with a cursor.

Reading past an end, or finding other bytes than expected, raises `Damaged` with the file's name and the
offset.
"""

import os
from types import TracebackType
from typing import Literal, Protocol

from ktrace.errors import Damaged
from ktrace.storage.input import Watch, open_input

Order = Literal["little", "big"]

_WINDOW = 1 << 16  # bytes read at a time: formats are small, and there are many


class Bytes(Protocol):
    """Bytes that can be read at any offset.

    Attributes:
        name: the file's name, for messages.
        size: the size in bytes.
    """

    name: str
    size: int

    def read(self, offset: int, size: int) -> bytes:
        """Return exactly these bytes.

        Raises Damaged if there are fewer.
        """

    def place(self, offset: int) -> int:
        """Return the offset in the file."""

    def damaged(self, message: str, offset: int) -> Damaged:
        """Return the error to raise for invalid data at `offset`."""


class FileBytes:
    """A file, of which only the requested bytes are in memory.

    Args:
        path: as for `open_input`, whose errors it raises.
        recover, watch: as for `open_input`.

    Attributes:
        problem: why the rest could not be unpacked; None if all of it was.
    """

    def __init__(self, path: str, *, recover: bool = False, watch: Watch = lambda _: None) -> None:
        self.name = "standard input" if path == "-" else path
        opened = open_input(path, recover=recover, watch=watch)
        self.fd, self.size, self.problem = opened.fd, opened.size, opened.problem

    def __enter__(self) -> "FileBytes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, offset: int, size: int) -> bytes:
        """Return exactly these bytes.

        Raises Damaged if there are fewer.
        """
        data = self.read_up_to(offset, size)
        if len(data) < size:
            raise self.damaged(f"the file ends, {size - len(data)} bytes early", offset + len(data))
        return data

    def read_up_to(self, offset: int, size: int) -> bytes:
        """Return these bytes, or fewer if the file ends before."""
        # Limit an absurd size: os.pread would allocate memory for all of it.
        size = min(size, max(self.size - offset, 0))
        data = os.pread(self.fd, size, offset) if size else b""
        while len(data) < size:  # one call takes at most 2 GiB
            more = os.pread(self.fd, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def place(self, offset: int) -> int:
        """Return the offset in the file."""
        return offset

    def damaged(self, message: str, offset: int) -> Damaged:
        """Return the error to raise for invalid data at `offset`."""
        return Damaged(message, source=self.name, offset=offset)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Memory:
    """The unpacked data of a compressed section.

    Args:
        name: the file's name.
        data: the unpacked bytes.
        origin: offset of the section in the file. Errors report it, since offsets within the unpacked data
            are not offsets in the file.
    """

    def __init__(self, name: str, data: bytes, origin: int) -> None:
        self.name = name
        self.size = len(data)
        self._data = data
        self._origin = origin

    def read(self, offset: int, size: int) -> bytes:
        """Return exactly these bytes.

        Raises Damaged if there are fewer.
        """
        if offset + size > self.size:
            raise self.damaged("the section ends early", self.size)
        return self._data[offset : offset + size]

    def place(self, offset: int) -> int:  # noqa: ARG002 -- offsets within it are not in the file
        """Return the offset at which the section begins in the file."""
        return self._origin

    def damaged(self, message: str, offset: int) -> Damaged:
        """Return the error to raise for invalid data at `offset`."""
        return Damaged(
            f"{message} (byte {offset} of this section, uncompressed)", source=self.name, offset=self._origin
        )


class Cursor:
    """Reads numbers, texts and bytes one after the other.

    Args:
        source: the bytes to read.
        order: the byte order of the numbers.
        at: the offset at which to begin.
        end: the offset at which to end; None for the end of `source`.
    """

    def __init__(self, source: Bytes, order: Order, at: int = 0, end: int | None = None) -> None:
        self.source = source
        self.order: Order = order
        self.at = at
        self.end = source.size if end is None else end
        self._window = b""
        self._window_at = at

    def number(self, size: int) -> int:
        """Read an unsigned number of `size` bytes."""
        return int.from_bytes(self.take(size), self.order)

    def take(self, size: int) -> bytes:
        """Read the next `size` bytes."""
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
        """Read a number of `width` bytes, and then that many bytes."""
        return self.take(self.number(width))

    def text(self, limit: int = 4096) -> str:
        """Read text up to a NUL, and skip the NUL.

        Raises Damaged if there is none within `limit` bytes.
        """
        start = self.at
        raw = bytearray()
        while (byte := self.take(1)) != b"\0":
            raw += byte
            if len(raw) > limit:
                raise self.source.damaged("no end of a text found", start)
        return raw.decode("utf-8", "surrogateescape")

    def expect(self, wanted: bytes, what: str) -> None:
        """Skip exactly these bytes.

        Raises Damaged if other bytes are there.
        """
        start = self.at
        if self.take(len(wanted)) != wanted:
            raise self.source.damaged(f"not {what}", start)
