"""Read compressed data that consist of several frames, members or streams, one after the other."""

from collections.abc import Callable
from typing import Protocol

_PIECE = 1 << 16


class Readable(Protocol):
    """A source of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


class Unpacker(Protocol):
    """Unpacks one frame, as the decompressors of `lzma` and `bz2` do."""

    @property
    def eof(self) -> bool:
        """Return whether the frame is complete."""

    @property
    def needs_input(self) -> bool:
        """Return whether more output needs more input."""

    @property
    def unused_data(self) -> bytes:
        """Return what follows the frame."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return up to `max_length` unpacked bytes."""


class Frames:
    """A reader of unpacked bytes.

    Args:
        source: the compressed bytes.
        make: returns what unpacks the next frame.
        piece: bytes to read at a time.
    """

    def __init__(self, source: Readable, make: Callable[[], Unpacker], *, piece: int = _PIECE) -> None:
        self._source = source
        self._make = make
        self._piece = piece
        self._frame: Unpacker | None = None
        self._fed = False  # the frame has got some input

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end.

        Raises EOFError if the last frame is cut off, and whatever the unpacker raises.
        """
        while True:
            data = b""
            if self._frame is None or self._frame.eof:
                data = self._frame.unused_data if self._frame is not None else b""
                data = data.lstrip(b"\0") or self._source.read(self._piece).lstrip(b"\0")  # padding
                if not data:
                    return b""
                self._frame = self._make()
            elif self._frame.needs_input:
                data = self._source.read(self._piece)
                if not data:
                    raise EOFError("it is cut off")
            out = self._frame.decompress(data, size)
            if out:
                return out


class Guarded:
    """A reader that raises ValueError instead of a library's own error."""

    def __init__(self, reader: Readable, error: type[Exception]) -> None:
        self._reader = reader
        self._error = error

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end."""
        try:
            return self._reader.read(size)
        except self._error as error:
            raise ValueError(str(error)) from None
