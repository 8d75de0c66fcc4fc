"""Unpack zstd with whatever is installed: Python 3.14, the package `zstandard`, or the C library.

Most systems have the library (`libzstd.so.1`, BSD licence), which loads in a millisecond. The package (BSD
licence, too) is for those that have not: `pip install 'ktrace[zstd]'`.
"""

import ctypes
from importlib import import_module
from typing import Any

from ktrace.errors import Unavailable
from ktrace.storage.frames import Frames, Guarded, Readable

_PIECE = 1 << 16  # bytes; a byte can become 32 KiB (RFC 8878, "RLE_Block"), so output is bounded, too


def open_zstd(source: Readable, otherwise: str = "zstd -d FILE") -> Readable:
    """Return a reader of the unpacked bytes. It raises ValueError or EOFError if they are damaged or cut off.

    Args:
        otherwise: another way to unpack it, for the error.

    Raises:
        Unavailable: nothing that unpacks zstd is installed; the error says what to install.
    """
    opened = _of_python(source) or _of_package(source) or _of_library(source)
    if opened is None:
        raise Unavailable(
            "the file is compressed with zstd, which this Python cannot unpack",
            hint=f"pip install 'ktrace[zstd]', or {otherwise}",
        )
    return opened


def _of_python(source: Readable) -> Readable | None:
    try:
        zstd: Any = import_module("compression.zstd")
    except ImportError:
        return None
    return Guarded(Frames(source, zstd.ZstdDecompressor), zstd.ZstdError)


def _of_package(source: Readable) -> Readable | None:
    try:
        zstd: Any = import_module("zstandard")
    except ImportError:
        return None

    def make() -> "_OfPackage":
        return _OfPackage(zstd.ZstdDecompressor().decompressobj(write_size=_PIECE))

    return Guarded(Frames(source, make, piece=_PIECE // 64), zstd.ZstdError)


class _OfPackage:
    """One frame; the package has no limit of the output, so it gets little input at a time."""

    needs_input = True

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    @property
    def eof(self) -> bool:
        return bool(self._frame.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._frame.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:  # noqa: ARG002 -- see the class
        return bytes(self._frame.decompress(data))


def _of_library(source: Readable) -> Readable | None:
    try:
        library = ctypes.CDLL("libzstd.so.1")
        for name in ("ZSTD_createDStream", "ZSTD_freeDStream", "ZSTD_decompressStream", "ZSTD_isError"):
            getattr(library, name)
    except (OSError, AttributeError):
        return None
    library.ZSTD_createDStream.restype = ctypes.c_void_p
    library.ZSTD_freeDStream.argtypes = (ctypes.c_void_p,)
    library.ZSTD_decompressStream.restype = ctypes.c_size_t
    library.ZSTD_decompressStream.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    library.ZSTD_isError.argtypes = (ctypes.c_size_t,)
    return Frames(source, lambda: _OfLibrary(library))


class _Buffer(ctypes.Structure):
    """`ZSTD_inBuffer` and `ZSTD_outBuffer`."""

    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("at", ctypes.c_size_t))


class _OfLibrary:
    """One frame, unpacked by the C library."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._stream = library.ZSTD_createDStream()
        if not self._stream:
            raise MemoryError
        self._left = b""
        self.eof = False
        self.unused_data = b""
        self.needs_input = True

    def __del__(self) -> None:
        self._library.ZSTD_freeDStream(self._stream)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        data = self._left + data
        out = ctypes.create_string_buffer(max(max_length, 1))
        source = _Buffer(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), len(data), 0)
        target = _Buffer(ctypes.addressof(out), max_length, 0)
        wanted = self._library.ZSTD_decompressStream(self._stream, ctypes.byref(target), ctypes.byref(source))
        if self._library.ZSTD_isError(wanted):
            raise ValueError("zstd: no such frame, or one that needs too much memory")
        self._left = data[source.at :]
        self.eof = wanted == 0
        if self.eof:
            self.unused_data, self._left = self._left, b""
        # A full output may leave more of it inside the library.
        self.needs_input = not self._left and target.at < max_length
        return ctypes.string_at(out, target.at)
