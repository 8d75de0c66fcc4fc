"""Read a file or pipe with the text of `trace` or `trace_pipe` in pieces."""

import os
import select
import sys
from collections.abc import Iterator

from ktrace.errors import KtraceError, NotFound, UsageError

_READ_SIZE = 1 << 20
_QUIET_MS = 50


def pieces_of(name: str) -> Iterator[bytes]:
    """Yield the bytes of a file, in pieces of about 1 MiB; `-` is standard input.

    An empty piece means that a pipe has nothing more at the moment, so that the data so far can be shown.

    Raises:
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
        yield from _pieces(fd)
    except IsADirectoryError as error:
        raise UsageError(f"{name} is a directory", hint="give the file trace or trace_pipe in it") from error
    except OSError as error:
        raise KtraceError(f"{shown}: {error.strerror}") from error
    finally:
        if name != "-":
            os.close(fd)


def _pieces(fd: int) -> Iterator[bytes]:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    waiting = False  # whether something may be shown that was not shown yet
    while True:
        if waiting and not poll.poll(_QUIET_MS):
            waiting = False
            yield b""
        piece = os.read(fd, _READ_SIZE)
        if not piece:
            return
        waiting = True
        yield piece
