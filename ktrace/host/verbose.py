"""`VerboseHost`: the machine that ktrace runs on, which tells what is done to it, as lines of shell."""

import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ktrace.diagnostic import visible
from ktrace.host.local import LocalHost

if TYPE_CHECKING:
    import mmap

    from ktrace.host.host import Child, Program

_LONG_S = 0.05  # what takes longer is told with its time


class VerboseHost(LocalHost):
    """Tells each change of the machine, and on request also each file that is read whole.

    Args:
        tell: takes a line, safe for a terminal.
        reads: tell what is read, too, and how long everything took.
    """

    def __init__(self, tell: Callable[[str], None], *, reads: bool = False) -> None:
        self._tell = tell
        self._reads = reads

    def append(self, path: str, data: bytes) -> None:
        """Append, and tell it."""
        text = data.decode("utf-8", "surrogateescape").removesuffix("\n")
        with self._told(f"echo {shlex.quote(text)} >> {shlex.quote(path)}"):
            super().append(path, data)

    def clear(self, path: str) -> None:
        """Truncate a file, and tell it."""
        with self._told(f": > {shlex.quote(path)}"):
            super().clear(path)

    def mkdir(self, path: str) -> None:
        """Make a directory, and tell it."""
        with self._told(f"mkdir {shlex.quote(path)}"):
            super().mkdir(path)

    def rmdir(self, path: str) -> None:
        """Remove a directory, and tell it."""
        with self._told(f"rmdir {shlex.quote(path)}"):
            super().rmdir(path)

    def kill(self, pid: int, signum: int) -> None:
        """Send a signal, and tell it."""
        with self._told(f"kill -{signum} {pid}"):
            super().kill(pid, signum)

    def start(self, argv: Sequence[str]) -> "Program":
        """Start a program, and tell it."""
        with self._told(shlex.join(argv)):
            return super().start(argv)

    def fork(self, words: Sequence[str], *, to_stderr: bool = False) -> "Child":
        """Fork a child, and tell what it will run."""
        with self._told(shlex.join(words) + (" >&2" if to_stderr else "") + " &"):
            return super().fork(words, to_stderr=to_stderr)

    def read_bytes(self, path: str, limit: int | None = None) -> bytes:
        """Read a file, and tell it."""
        with self._told(f"cat {shlex.quote(path)}", is_read=True):
            return super().read_bytes(path, limit)

    def content(self, path: str) -> "bytes | mmap.mmap":
        """Return the content of a file, and tell it."""
        with self._told(f"cat {shlex.quote(path)}", is_read=True):
            return super().content(path)

    def stream(self, path: str) -> int:
        """Open a file for reading, and tell it."""
        with self._told(f"exec < {shlex.quote(path)}", is_read=True):
            return super().stream(path)

    @contextmanager
    def _told(self, line: str, *, is_read: bool = False) -> Iterator[None]:
        began = time.monotonic()
        said: list[str] = []
        try:
            yield
        except OSError as error:
            said.append(error.strerror or str(error))
            raise
        finally:
            took = time.monotonic() - began
            if took >= _LONG_S or self._reads:
                said.append(f"{took * 1e3:.0f} ms")
            if self._reads or not is_read:
                self._tell(visible(line + (f"  # {', '.join(said)}" if said else "")))
