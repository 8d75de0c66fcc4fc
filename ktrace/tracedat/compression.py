"""Unpack compressed sections: zlib with the standard library, zstd with whatever is installed.

Sizes come from the file and may be wrong. So no more is unpacked than the size says, and less is an error.
"""

import zlib
from collections.abc import Callable
from io import BytesIO
from typing import TypeAlias

from ktrace.errors import Unavailable
from ktrace.storage.zstd import open_zstd

Unpack: TypeAlias = Callable[[bytes, int], bytes]
"""Takes compressed bytes and their unpacked size. Raises ValueError if they unpack to another size."""

_CONVERT = "trace-cmd convert --compression none -i FILE -o NEW"
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
        open_zstd(BytesIO(), _CONVERT)  # raises now if it cannot be unpacked
        return _zstd
    raise Unavailable(
        f"the file is compressed with '{name}', which ktrace does not know",
        hint=_CONVERT,
    )


def _zlib(data: bytes, size: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    return _exactly(unpacked, size)


def _zstd(data: bytes, size: int) -> bytes:
    if size > len(data) * _MOST_OF_A_BYTE:
        raise ValueError(f"{len(data)} bytes cannot become {size}")
    reader = open_zstd(BytesIO(data))
    unpacked = b""
    try:
        while len(unpacked) <= size and (more := reader.read(size + 1 - len(unpacked))):
            unpacked += more
    except EOFError as error:
        raise ValueError(str(error)) from None
    return _exactly(unpacked, size)


def _exactly(unpacked: bytes, size: int) -> bytes:
    if len(unpacked) != size:
        raise ValueError(f"{len(unpacked)} bytes or more, not {size}")
    return unpacked
