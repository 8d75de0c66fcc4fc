"""Keep reading the ring buffer while something takes long, so that it does not fill up."""

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType

# Without a pause, each read may be an event itself, and cause the next one.
_PAUSE_S = 0.005
_MOST = 64 << 20  # bytes that are kept; then the buffer fills up, and the kernel counts what is lost


class Draining:
    """Reads pages in a thread while a `with` statement runs.

    Args:
        fds: the descriptor of each CPU's pages.
        read: reads some pages from a descriptor without waiting; returns nothing if there are none.

    Attributes:
        pages: the pages of each CPU.
    """

    def __init__(self, fds: Mapping[int, int], read: Callable[[int], bytes]) -> None:
        self._fds = fds
        self._read = read
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._failed: OSError | None = None
        self.pages: dict[int, bytearray] = {}

    def __enter__(self) -> "Draining":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        if self._failed is not None and kind is None:
            raise self._failed

    def _drain(self) -> None:
        have = 0
        while not self._ended.is_set() and have < _MOST:
            for cpu, fd in self._fds.items():
                try:
                    pages = self._read(fd)
                except OSError as error:
                    self._failed = error
                    return
                if pages:
                    self.pages.setdefault(cpu, bytearray()).extend(pages)
                    have += len(pages)
            time.sleep(_PAUSE_S)
