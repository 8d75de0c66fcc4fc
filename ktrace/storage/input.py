"""Open every input: a regular file, a compressed one, a pipe, standard input.

What reads a recording reads at any offset. So a pipe, and what a compressed file holds, go to a temporary
file that has no name, in TMPDIR or /var/tmp.
"""

import io
import os
import select
import stat
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias

from ktrace.errors import Damaged, KtraceError, NotFound, Unavailable
from ktrace.storage.frames import Frames, Guarded, Readable
from ktrace.storage.zstd import open_zstd

_PIECE = 1 << 20
_SPARE = 64 << 20  # bytes that are left free where the unpacked bytes go
_LZMA_MEMORY = 512 << 20  # `xz -9` needs 65 MiB
_LONGEST = 6


@dataclass(frozen=True, slots=True)
class Input:
    """An open input.

    Attributes:
        fd: a descriptor of a regular file; the caller closes it.
        size: its size in bytes.
        problem: why the rest of a compressed input could not be unpacked; None if all of it was.
    """

    fd: int
    size: int
    problem: Damaged | None = None


Watch: TypeAlias = Callable[[int], None]
"""Is told from time to time how many bytes have been unpacked."""


def _ignore(_: int) -> None:
    """Do nothing."""


def open_input(path: str, *, recover: bool = False, watch: Watch = _ignore) -> Input:
    """Open a file to be read at any offset; unpack it first if it is compressed with gzip, xz, bzip2 or zstd.

    Args:
        path: the name of a file or a pipe; `-` for standard input.
        recover: take what can be unpacked of a damaged file, instead of raising an error.
        watch: called while a pipe or a compressed file is unpacked.

    Raises:
        NotFound: there is no such file.
        KtraceError: it is neither a file nor a pipe, or what it holds does not fit where it is unpacked.
        Damaged: it cannot be unpacked; the offset is one of the compressed file.
        Unavailable: nothing here unpacks it.
        OSError: it cannot be opened or read.
    """
    name = "standard input" if path == "-" else path
    fd = os.dup(0) if path == "-" else _open(path)
    keep = False
    try:
        status = os.fstat(fd)
        mode = status.st_mode
        # Files of procfs and tracefs have no size, and may have other content each time.
        if stat.S_ISREG(mode) and status.st_size:
            if not _opener(os.pread(fd, _LONGEST, 0)):
                keep = True
                return Input(fd, status.st_size)
            os.lseek(fd, 0, os.SEEK_SET)
        elif stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISREG(mode):
            os.set_blocking(fd, True)
            # A named pipe that nobody has opened for writing yet seems to be at its end.
            select.select([fd], [], [])
        else:
            raise KtraceError(f"{name} is not a regular file, nor a pipe: no recording can be read from it")
        with _naming(name):
            return _unpack(name, _Source(fd), watch, recover=recover)
    finally:
        if not keep:
            os.close(fd)


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Give an OSError of the block the name of the file."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or name
        raise


class _Source(io.RawIOBase):
    """The bytes of a descriptor, whose first ones can be looked at.

    Args:
        head: bytes that have been read from it.

    Attributes:
        at: how many bytes were read.
    """

    def __init__(self, fd: int, head: bytes = b"") -> None:
        self._fd = fd
        self.at = 0
        self._head = head
        while len(self._head) < _LONGEST and (more := os.read(fd, _LONGEST - len(self._head))):
            self._head += more
        self.opener = _opener(self._head)

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; none at the end."""
        data, self._head = self._head[:size], self._head[size:]
        data = data or os.read(self._fd, size)
        self.at += len(data)
        return data


_Opener: TypeAlias = Callable[[Readable], Readable]


def _gzip(source: Readable) -> Readable:
    return Guarded(Frames(source, _GzipMember), zlib.error)


class _GzipMember:
    """One member of a gzip file (RFC 1952), unpacked by zlib."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._is_full = False

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail and not self._is_full

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        self._is_full = len(out) == max_length
        return out


def _xz(source: Readable) -> Readable:
    lzma = _module("lzma", "xz -d FILE")
    make = partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _LZMA_MEMORY)
    return Guarded(Frames(source, make), lzma.LZMAError)


def _bzip2(source: Readable) -> Readable:
    return Frames(source, _module("bz2", "bzip2 -d FILE").BZ2Decompressor)


def _module(name: str, otherwise: str) -> Any:
    """Import a module of the standard library that a Python may have been built without."""
    try:
        return import_module(name)
    except ImportError:
        raise Unavailable(f"this Python was built without {name}", hint=otherwise) from None


_FORMATS: tuple[tuple[bytes, _Opener], ...] = (
    (b"\x1f\x8b", _gzip),
    (b"\xfd7zXZ\0", _xz),
    (b"BZh", _bzip2),
    (b"\x28\xb5\x2f\xfd", open_zstd),
)
"""The first bytes of each kind of compressed file, and what unpacks it."""


def _opener(head: bytes) -> _Opener | None:
    return next((opener for magic, opener in _FORMATS if head.startswith(magic)), None)


def is_packed(head: bytes) -> bool:
    """Return whether these are the first bytes of a compressed input."""
    return _opener(head) is not None


def pieces_of_packed(name: str, fd: int, head: bytes) -> Iterator[bytes]:
    """Yield the content of a compressed input in pieces, as it comes.

    Args:
        name: its name, for messages.
        head: its first bytes, which have been read; those of a compressed input.

    Raises:
        Damaged: it cannot be unpacked; the offset is one of the compressed input.
        Unavailable: nothing here unpacks it.
        OSError: it cannot be read.
    """
    source = _Source(fd, head)
    assert source.opener is not None  # its head is that of a compressed input
    reader = source.opener(source)
    while data := _read(name, source, reader):
        yield data


def _read(name: str, source: _Source, reader: Readable) -> bytes:
    """Return the next piece; none at the end."""
    try:
        return reader.read(_PIECE)
    except (EOFError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Damaged(f"cannot be unpacked further: {error}", source=name, offset=source.at) from None


def _unpack(name: str, source: _Source, watch: Watch, *, recover: bool) -> Input:
    """Copy what a source holds to a temporary file."""
    reader = source.opener(source) if source.opener else source
    folder = _folder()
    problem = None
    size = 0
    with tempfile.TemporaryFile(dir=folder, buffering=0) as out:
        while True:
            try:
                data = _read(name, source, reader)
            except Damaged as error:
                problem = error
                if not recover:
                    problem.hint = "ktrace report --recover shows what is there" if size else None
                    raise
                break
            if not data:
                break
            if size // _SPARE != (size + len(data)) // _SPARE:
                _check_room(name, out.fileno(), folder, size)
            _write_all(out.fileno(), data)
            size += len(data)
            watch(size)
        return Input(os.dup(out.fileno()), size, problem)


def _folder() -> str:
    """Return where large temporary files go: /tmp is often memory."""
    named = os.environ.get("TMPDIR")
    return named or next((f for f in ("/var/tmp",) if os.access(f, os.W_OK)), tempfile.gettempdir())


def _check_room(name: str, fd: int, folder: str, size: int) -> None:
    """Stop before a file system is full: other programs need it, and a small file can unpack to anything."""
    status = os.fstatvfs(fd)
    if status.f_bavail * status.f_frsize < 2 * _SPARE:
        raise KtraceError(
            f"{name} does not fit into {folder}, where it is unpacked: {size >> 20} MiB of it are there",
            hint="TMPDIR=/where/there/is/room ktrace ...",
        )


def _write_all(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]
