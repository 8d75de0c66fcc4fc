"""Turn signals to this process into bytes that a select loop can wait for."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH)


@contextmanager
def caught() -> Iterator[socket.socket]:
    """Yield a socket that receives one byte for each signal: its number.

    Ignored signals stay ignored (`nohup`), and everything is restored afterwards. Only a process's main
    thread can catch signals; in another thread, the socket never receives anything.
    """
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        if threading.current_thread() is not threading.main_thread():
            yield reader
            return
        before = {}
        wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            for number in CAUGHT:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    before[number] = signal.signal(number, lambda *_: None)
            yield reader
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakeup)
