"""Handle SIGINT in commands that change nothing: end at once, and report what is left unread."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ktrace.diagnostic import note
from ktrace.storage.passing import remove_passing

_STATUS = 128 + signal.SIGINT
_PATIENCE_S = 0.3  # Python's own exit; a library that computes does not allow it


@contextmanager
def interruptible(what: str) -> Iterator[None]:
    """End on SIGINT, even while a library computes and Python sees no signal.

    Nothing is undone.

    Args:
        what: the name of what is being read, for the message.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(writer, False)
    left = threading.Event()

    def watch() -> None:
        while (data := os.read(reader, 64)) and not left.is_set():
            if signal.SIGINT in data:
                time.sleep(_PATIENCE_S)
                if not left.is_set():
                    remove_passing()
                    _say(what)
                    os._exit(_STATUS)
        os.close(reader)

    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    except KeyboardInterrupt:
        left.set()
        _say(what)
        raise
    finally:
        left.set()
        signal.set_wakeup_fd(before)
        os.close(writer)


def _say(what: str) -> None:
    note(f"interrupted: the rest of {what} was not read")
    sys.stderr.flush()
