"""Carry bytes between this process's standard streams and the guest's ports."""

import collections
import errno
import os
import select
import socket
import threading
from collections.abc import Callable

CHUNK = 65536


def split(data: bytes, end: bytes) -> tuple[bytes, bytes, bool]:
    """Split data at the mark that ends a stream.

    Returns:
        The data to pass on; the data that must wait, because the mark may begin there; and whether the
        mark was found (what follows it is dropped).
    """
    at = data.find(end)
    if at >= 0:
        return data[:at], b"", True
    for length in range(min(len(end) - 1, len(data)), 0, -1):
        if data.endswith(end[:length]):
            return data[:-length], data[-length:], False
    return data, b"", False


class Output:
    """A thread that copies data from a port to a descriptor, until the end mark.

    A slow reader slows the guest down. If the reader is gone (`| head`), `on_closed` is called and the rest
    is dropped. Any other failure is also kept in `error`.
    """

    def __init__(
        self,
        source: socket.socket,
        target: int,
        end: bytes,
        *,
        on_closed: Callable[[], None],
        on_done: Callable[[], None],
    ) -> None:
        self._source = source
        self._target = target
        self._end = end
        self._on_closed = on_closed
        self._on_done = on_done
        self._closed = False
        self.error: OSError | None = None
        self.done = False
        # A daemon thread: a reader that neither reads nor closes must not block the exit of a killed VM.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        kept = b""
        found = False
        while not found:
            try:
                data = self._source.recv(CHUNK)
            except OSError:
                break
            if not data:
                break
            passed, kept, found = split(kept + data, self._end)
            if not self._closed:
                self._write(passed)
            if self._closed:
                break
        if kept and not found and not self._closed:
            self._write(kept)
        self.done = True
        self._on_done()
        self._drop_rest()

    def _write(self, data: bytes) -> None:
        try:
            write_all(self._target, data)
        except OSError as error:
            self._closed = True
            if error.errno != errno.EPIPE:
                self.error = error
            self._on_closed()

    def _drop_rest(self) -> None:
        """Read and drop the rest, so that no process in the guest blocks on writing."""
        try:
            while self._source.recv(CHUNK):
                pass
        except OSError:
            pass

    def join(self) -> None:
        """Wait for the thread, unless it is blocked by a reader that neither reads nor closes."""
        if self.done:
            self._thread.join(1.0)


class Input:
    """A thread that copies data from a descriptor to a port, and closes the port at the end.

    `filtered` gets the data before they are sent, and stops the thread by returning True.
    """

    def __init__(
        self, source: int, target: socket.socket, *, filtered: Callable[[bytes], bool] | None = None
    ) -> None:
        self._source = source
        self._target = target
        self._filtered = filtered
        self._stop = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        poll.register(self._stop, select.POLLIN)
        poll.register(self._target, 0)  # hang-up only
        try:
            while True:
                ready = dict(poll.poll())
                if self._stop in ready or self._target.fileno() in ready:
                    return
                data = _read(self._source)
                if not data or (self._filtered and self._filtered(data)):
                    break
                self._target.sendall(data)
            # Close only one half: QEMU drops unread data of a closed socket.
            self._target.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the guest is gone and needs no input

    def stop(self) -> None:
        """Stop reading; the unread rest belongs to the next reader of that descriptor.

        The guest must have ended; otherwise a write to it could block this call.
        """
        os.eventfd_write(self._stop, 1)
        self._thread.join(1.0)
        if not self._thread.is_alive():
            os.close(self._stop)


class Tail:
    """A thread that keeps the last lines that arrive at a descriptor, until its end."""

    LINES = 200

    def __init__(self, source: int) -> None:
        self._source = source
        self._lines: collections.deque[bytes] = collections.deque(maxlen=self.LINES)
        self._partial = b""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while data := _read(self._source):
            *whole, self._partial = (self._partial + data)[-CHUNK:].split(b"\n")
            self._lines.extend(whole)

    def join(self) -> None:
        """Wait for the end, once every writer is gone."""
        self._thread.join(1.0)

    def lines(self) -> list[str]:
        """Return the lines so far, safe to print; complete after `join`."""
        texts = (_printable(line) for line in (*self._lines, self._partial))
        return [text for text in texts if text]


def write_all(fd: int, data: bytes) -> None:
    """Write everything, even to a descriptor that another process made non-blocking."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            poll = select.poll()
            poll.register(fd, select.POLLOUT)
            poll.poll()


def _read(fd: int) -> bytes:
    while True:
        try:
            return os.read(fd, CHUNK)
        except BlockingIOError:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            poll.poll()
        except OSError:
            return b""


def _printable(line: bytes) -> str:
    """Return the line without control characters.

    A console's bytes come from a guest kernel and go to a terminal.
    """
    text = line.decode(errors="backslashreplace").rstrip()
    return "".join(c if c.isprintable() or c == "\t" else f"\\x{ord(c):02x}" for c in text)
