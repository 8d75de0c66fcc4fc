"""Work on a recording in other processes: on its parts, written in order, or ahead of the consumer.

Threads are of little use here: work on columns has many short steps, and each step waits for Python. In
`in_turn`, worker i of n takes the parts i, i + n, i + 2n, ... It keeps its output until all earlier parts
have been written, so memory holds one part for each worker.
"""

import ctypes
import fcntl
import mmap
import os
import pickle
import queue
import select
import signal
import struct
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from ktrace.errors import KtraceError

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LENGTH = struct.Struct("<q")
_AHEAD = 32  # items made and not taken yet
_KILLED = "a process that read the recording was killed"
_LOOKS, _LOOK_S = 20, 0.01
_TICK_S = 0.5
_GO, _STOP = b"g", b"s"  # messages from one worker to the next


class Out(Protocol):
    """A file-like object that a worker writes to."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Write all of it."""

    def flush(self) -> None:
        """Write buffered data as soon as possible."""


def in_turn(
    parts: Sequence[P],
    work: Callable[[P, Out], R],
    fd: int,
    workers: int,
    watch: Callable[[float], None] = lambda _: None,
) -> list[R]:
    """Work on all parts at once, and write in their order.

    Args:
        work: makes the output of one part. It runs in another process: its changes are seen only by later
            parts of the same worker.
        fd: descriptor to write to.
        watch: told from time to time which fraction of the parts is written.

    Returns:
        The result of `work` for each part, which must be picklable.

    Raises:
        KtraceError: raised by `work`; all earlier parts, and what it had written itself, have been written.
        BrokenPipeError: the reader has gone away.
        OSError: the output could not be written.
        ChildProcessError: a worker was killed.
    """
    turns = [os.pipe() for _ in range(workers)]
    results = [os.pipe() for _ in range(workers)]
    os.write(turns[0][1], _GO)
    children: list[int] = []
    written = mmap.mmap(-1, max(len(parts), 1))  # a byte for each part, which the workers set
    try:
        for index in range(workers):
            turn = _Turn(fd, turns[index][0], turns[(index + 1) % workers][1])
            others = [write_end for _, write_end in results[:index] + results[index + 1 :]]
            counted = partial(_count, written, index, workers)
            mine = parts[index::workers], work, turn, results[index][1], others, counted
            _start(children, partial(_work, *mine))
        for _, write_end in results:
            os.close(write_end)
        tick = partial(_tell, written, watch)
        said = _gather([read_end for read_end, _ in results], children, tick)
    finally:
        _end_all(children)
        for end in (*(e for pair in turns for e in pair), *(read_end for read_end, _ in results)):
            os.close(end)
    for answer in said:
        if isinstance(answer, Exception):
            raise answer
    return [said[index % workers][index // workers] for index in range(len(parts))]


class Ahead(Generic[T]):
    """The items of `make`, made ahead by another process and passed through a pipe. Works only once.

    Args:
        make: its items must be picklable.

    Iterating raises what `make` raised, and ChildProcessError if the process was killed.
    """

    def __init__(self, make: Callable[[], Iterator[T]]) -> None:
        self._end, write_end = os.pipe()
        with suppress(OSError):  # a smaller pipe works too
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 1 << 20)
        self._children: list[int] = []
        _start(self._children, partial(_hand_over, make, write_end, self._end))
        os.close(write_end)

    def __iter__(self) -> Iterator[T]:
        with open(self._end, "rb", closefd=False) as source:
            while head := source.read(_LENGTH.size):
                text = source.read(_LENGTH.unpack(head)[0])
                item = pickle.loads(text)
                if item is None:
                    return
                if isinstance(item, Exception):
                    raise item
                yield item
        raise _killed(self._children)

    def close(self) -> None:
        """End the process."""
        if self._children:
            _end_all(self._children)
            self._children.clear()
            os.close(self._end)


def _hand_over(make: Callable[[], Iterator[object]], fd: int, read_end: int) -> None:
    """Make one item after the other, even if the last one has not been taken yet."""
    os.close(read_end)
    made: queue.Queue[bytes] = queue.Queue(_AHEAD)

    def write() -> None:
        while text := made.get():
            _write_all(fd, _LENGTH.pack(len(text)))
            _write_all(fd, text)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for item in make():
            made.put(pickle.dumps(item, 5))
        made.put(pickle.dumps(None))
    except Exception as error:
        made.put(pickle.dumps(_told(error)))
    made.put(b"")
    writer.join()


def _start(children: list[int], do: Callable[[], None]) -> None:
    """Fork a process that runs `do`; signals are blocked until it is in `children`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        with warnings.catch_warnings():
            # NumPy's linear algebra threads are idle here and hold no lock.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            _live(do, before)
        children.append(child)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _count(written: mmap.mmap, first: int, step: int, done: int) -> None:
    """Note that the worker that has part `first`, and each `step`th after it, has written `done` of them."""
    written[first + (done - 1) * step] = 1


def _tell(written: mmap.mmap, watch: Callable[[float], None]) -> None:
    watch(written[:].count(1) / len(written))


def _gather(ends: Sequence[int], children: Sequence[int], tick: Callable[[], None]) -> list[Any]:
    """Return the result of each worker. If one ends without a result, do not wait for the others."""
    texts: dict[int, list[bytes]] = {end: [] for end in ends}
    waiting = set(ends)
    while waiting:
        tick()
        for end in select.select(list(waiting), [], [], _TICK_S)[0]:
            data = os.read(end, 1 << 16)
            texts[end].append(data)
            if not data:
                waiting.discard(end)
                if len(texts[end]) == 1:
                    raise _killed(children)
    return [pickle.loads(b"".join(texts[end])) for end in ends]


def _killed(children: Sequence[int]) -> ChildProcessError:
    """Return an error for the first child that was killed; its status follows soon after its pipe closes."""
    for _ in range(_LOOKS):
        for child in children:
            seen = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if seen is not None and seen.si_code != os.CLD_EXITED:
                name = signal.Signals(seen.si_status).name
                return ChildProcessError(f"{_KILLED}: {child}, by {name}; `dmesg` says if memory ran out")
        time.sleep(_LOOK_S)
    return ChildProcessError(_KILLED)


def _end_all(children: Sequence[int]) -> None:
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


class _Turn:
    """Writes in this worker's turn; until then it keeps the data."""

    def __init__(self, fd: int, turn: int, after: int) -> None:
        self._fd = fd
        self._turn = turn
        self._after = after
        self._mine = False
        self._stopped = False  # an earlier part failed: this worker gets no turn
        self._kept: list[bytes | memoryview] = []

    def write(self, data: bytes | memoryview) -> int:
        """Write now, or keep the data."""
        if not self._mine and select.select([self._turn], [], [], 0)[0]:
            self.wait()
        if self._mine:
            _write_all(self._fd, data)
        else:
            self._kept.append(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: `write` has written everything that it may."""

    def wait(self) -> None:
        """Wait for this worker's turn and write what was kept."""
        if self._mine:
            return
        self._stopped = self._stopped or os.read(self._turn, 1) != _GO
        if self._stopped:
            raise _Stopped
        self._mine = True
        for data in self._kept:
            _write_all(self._fd, data)
        self._kept.clear()

    def end(self, *, go: bool = True) -> None:
        """Pass the turn to the next worker, or tell it to stop as well."""
        self._mine = False
        os.write(self._after, _GO if go else _STOP)


class _Stopped(Exception):
    """This worker gets no turn."""


def _live(do: Callable[[], None], mask: Iterable[int]) -> NoReturn:
    """Run `do` in a forked process, then exit."""
    status = 1
    try:
        # The parent handles requests to stop, and ends its workers.
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        do()
        status = 0
    finally:
        os._exit(status)


def _work(
    parts: Sequence[P],
    work: Callable[[P, Out], R],
    turn: _Turn,
    result: int,
    others: Sequence[int],
    count: Callable[[int], None],
) -> None:
    # While this process has the other workers' pipe ends open, their death would go unnoticed.
    for end in others:
        os.close(end)
    _write_all(result, pickle.dumps(_answer(parts, work, turn, count)))


def _answer(
    parts: Sequence[P], work: Callable[[P, Out], R], turn: _Turn, count: Callable[[int], None]
) -> list[R] | Exception:
    done: list[R] = []
    try:
        for part in parts:
            done.append(_one(part, work, turn))
            turn.end()
            count(len(done))
    except _Stopped:
        turn.end(go=False)
        return []
    except Exception as error:
        turn.end(go=False)
        return _told(error)
    return done


def _told(error: Exception) -> Exception:
    """Prepare an error to be raised in another process."""
    if not isinstance(error, KtraceError | OSError):
        error.add_note(traceback.format_exc())
    return error


def _one(part: P, work: Callable[[P, Out], R], turn: _Turn) -> R:
    try:
        return work(part, turn)
    finally:
        turn.wait()


def _write_all(fd: int, data: bytes | memoryview) -> None:
    for piece in _pieces(memoryview(data)):
        left = piece
        while left:
            left = left[os.write(fd, left) :]


def _pieces(data: memoryview) -> Iterator[memoryview]:
    for at in range(0, len(data), 1 << 20):
        yield data[at : at + (1 << 20)]
