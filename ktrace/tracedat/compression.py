"""Unpack compressed sections: zlib with the standard library, zstd with whatever is installed.

Sizes come from the file and may be wrong. So no more is unpacked than the size says, and less is an error.
"""

import ctypes
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from ktrace.errors import Unavailable

Unpack: TypeAlias = Callable[[bytes, int], bytes]
"""Takes compressed bytes and their unpacked size. Raises ValueError if they unpack to another size."""

_MOST_OF_A_BYTE = 1 << 15
"""The most bytes that zstd can make of one: a block of 4 bytes unpacks to up to 128 KiB (RFC 8878,
"RLE_Block")."""


def unpacker(name: str) -> Unpack:
    """Return the function that unpacks data compressed by `name`.

    Raises:
        Unavailable: this Python cannot unpack it; the error says what to install.
    """
    if name == "zlib":
        return _zlib
    if name == "zstd":
        return _zstd()
    raise Unavailable(
        f"the file is compressed with '{name}', which ktrace does not know",
        hint="trace-cmd convert --compression none -i FILE -o NEW",
    )


def _zlib(data: bytes, size: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    return _exactly(unpacked, size)


def _zstd() -> Unpack:
    """Return a function that unpacks zstd.

    Python 3.14 has one. For older versions, use the package `zstandard`, or the C library that most systems
    have.
    """
    found = _zstd_of_python() or _zstd_of_package() or _zstd_of_library()
    if found is None:
        raise Unavailable(
            "the file is compressed with zstd, which this Python cannot unpack",
            hint="pip install 'ktrace[zstd]', or trace-cmd convert --compression none -i FILE -o NEW",
        )
    return found


def _zstd_of_python() -> Unpack | None:
    try:
        zstd: Any = import_module("compression.zstd")
    except ImportError:
        return None

    def unpack(data: bytes, size: int) -> bytes:
        try:
            return _exactly(zstd.ZstdDecompressor().decompress(data, size + 1), size)
        except zstd.ZstdError as error:
            raise ValueError(str(error)) from None

    return unpack


def _zstd_of_package() -> Unpack | None:
    try:
        zstd: Any = import_module("zstandard")
    except ImportError:
        return None

    def unpack(data: bytes, size: int) -> bytes:
        try:
            with zstd.ZstdDecompressor().stream_reader(data) as reader:
                return _exactly(reader.read(size + 1), size)
        except zstd.ZstdError as error:
            raise ValueError(str(error)) from None

    return unpack


def _zstd_of_library() -> Unpack | None:
    try:
        library = ctypes.CDLL("libzstd.so.1")
        decompress, is_error = library.ZSTD_decompress, library.ZSTD_isError
    except (OSError, AttributeError):
        return None
    decompress.restype = ctypes.c_size_t
    decompress.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
    is_error.argtypes = (ctypes.c_size_t,)

    def unpack(data: bytes, size: int) -> bytes:
        if size > len(data) * _MOST_OF_A_BYTE:
            raise ValueError(f"{len(data)} bytes cannot become {size}")
        # The library never writes more than `size`; a larger frame is an error.
        out = ctypes.create_string_buffer(max(size, 1))
        written = decompress(out, size, data, len(data))
        if is_error(written):
            raise ValueError("zstd: not a valid frame, or one that unpacks to more bytes")
        return _exactly(bytes(memoryview(out)[:written]), size)

    return unpack


def _exactly(unpacked: bytes, size: int) -> bytes:
    if len(unpacked) != size:
        raise ValueError(f"{len(unpacked)} bytes or more, not {size}")
    return unpacked
