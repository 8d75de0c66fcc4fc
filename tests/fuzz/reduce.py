"""Make a finding's input smaller while it stays the same finding."""

import os
import signal
import time
from collections.abc import Callable

from tests.fuzz.limits import SECONDS
from tests.fuzz.outcome import outcome
from tests.fuzz.target import Target

_TRIES = 400
_WITHIN_S = 20


def key_of(target: Target, data: bytes) -> str | None:
    """Run a mutant in a separate process and return its finding's key; None for no finding."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        found = outcome(target, data)
        os.write(write, (found.key if found else "").encode())
        os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:  # noqa: PTH123 -- a descriptor is what is read
        key = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return ended_by(target, status) or key or None


def ended_by(target: Target, status: int) -> str | None:
    """Return the key of a finding that ended its process; None if it exited by itself."""
    if not os.WIFSIGNALED(status):
        return None
    number = os.WTERMSIG(status)
    if number == signal.SIGPROF:
        return f"{target.name}: more than {SECONDS} s"
    return f"{target.name}: ended by {signal.Signals(number).name}"


def reduced(target: Target, data: bytes, key: str) -> bytes:
    """Return a smaller input with the same finding: spans are taken out, the longest first."""
    end = time.monotonic() + _WITHIN_S
    tries = 0

    def same(changed: bytes) -> bool:
        nonlocal tries
        tries += 1
        return key_of(target, changed) == key

    size = len(data) // 2
    while size and tries < _TRIES and time.monotonic() < end:
        smaller = _without_spans(data, size, same, lambda: tries < _TRIES and time.monotonic() < end)
        if len(smaller) == len(data):
            size //= 2
        data = smaller
    return data


def _without_spans(data: bytes, size: int, same: Callable[[bytes], bool], more: Callable[[], bool]) -> bytes:
    at = 0
    while at < len(data) and more():
        changed = data[:at] + data[at + size :]
        if same(changed):
            data = changed
        else:
            at += size
    return data
