"""`trace_pipe`: the bytes of the consuming text reader, in pieces as large as the kernel returns.

See Documentation/trace/ftrace.rst, "trace_pipe". One read(2) returns at most a page or two, so pieces are
collected until the pipe is empty or there is enough for one pass of the decoder.
"""

import os

from ktrace.errors import Busy
from ktrace.tracefs.files import Files

_READ_SIZE = 1 << 16
_ENOUGH = 1 << 20


class TextPipe:
    """The merged text of all CPUs of one buffer.

    Attributes:
        fd: for poll(2); readable as soon as there is one event.

    Raises:
        Busy: there is another reader: two readers would steal events from each other.
    """

    def __init__(self, files: Files, path: str = "trace_pipe") -> None:
        try:
            self.fd = files.stream(path)
        except BlockingIOError as error:
            raise Busy(f"{files.root}/{path} has a reader already") from error
        except OSError as error:
            raise Busy(
                f"{files.root}/{path}: {error.strerror}", hint="another program may be reading it"
            ) from error

    def read(self) -> bytes:
        """Return the text available now, up to about 1 MiB, or nothing. Never waits."""
        pieces = []
        size = 0
        while size < _ENOUGH:
            try:
                piece = os.read(self.fd, _READ_SIZE)
            except BlockingIOError:
                break
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Close the pipe; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
