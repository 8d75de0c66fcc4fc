"""Read a file or pipe with a text, compressed or not, in pieces."""

import os
import select
import stat
import sys
from collections.abc import Callable, Iterator

from ktrace.errors import KtraceError, NotFound, UsageError
from ktrace.storage.input import is_packed, pieces_of_packed

_READ_SIZE = 1 << 20
_QUIET_MS = 50


def pieces_of(name: str, sized: Callable[[int], None] = lambda _: None) -> Iterator[bytes]:
    """Yield the bytes of a file, in pieces of about 1 MiB; `-` is standard input.

    An empty piece means that a pipe has nothing more at the moment, so that the data so far can be shown. A
    compressed input is unpacked.

    Args:
        sized: is told the size of the file in bytes, if it is known before the end.

    Raises:
        Damaged, Unavailable: it is compressed, and cannot be unpacked.
        NotFound: there is no such file.
        UsageError: it is a directory.
        KtraceError: it cannot be read.
    """
    shown = "standard input" if name == "-" else name
    try:
        fd = sys.stdin.fileno() if name == "-" else os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NotFound(f"{name}: no such file", hint="- reads from standard input") from error
    except OSError as error:
        raise KtraceError(f"{shown}: {error.strerror}") from error
    try:
        yield from _pieces(fd, shown, sized)
    except IsADirectoryError as error:
        raise UsageError(f"{name} is a directory", hint="give the file trace or trace_pipe in it") from error
    except OSError as error:
        raise KtraceError(f"{shown}: {error.strerror}") from error
    finally:
        if name != "-":
            os.close(fd)


def _pieces(fd: int, shown: str, sized: Callable[[int], None]) -> Iterator[bytes]:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    waiting = begun = False  # `waiting`: something may be shown that was not shown yet
    while True:
        if waiting and not poll.poll(_QUIET_MS):
            waiting = False
            yield b""
        piece = os.read(fd, _READ_SIZE)
        if not piece:
            return
        if not begun and is_packed(piece):
            yield from pieces_of_packed(shown, fd, piece)
            return
        if not begun and stat.S_ISREG((status := os.fstat(fd)).st_mode):
            sized(status.st_size)
        waiting = begun = True
        yield piece
