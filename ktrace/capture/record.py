"""Run `ktrace record`: enable events, move pages to files, count losses, assemble the file, and undo."""

import errno
import gc
import os
import shlex
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from ktrace.capture.recording_metadata import Names, save_contents
from ktrace.capture.request import TraceRequest, missed_hits, prepare
from ktrace.errors import Interrupted, KtraceError, UsageError
from ktrace.model.outcome import Outcome
from ktrace.session.muted import watch
from ktrace.session.run_context import RunContext
from ktrace.session.session import Session
from ktrace.session.signals import StopSignals
from ktrace.session.waiting import Waiting
from ktrace.storage.destination import target_of
from ktrace.storage.target import Target, naming
from ktrace.tracedat import unfinished
from ktrace.tracedat.contents import Contents
from ktrace.tracefs.pid_namespace import names_proc
from ktrace.tracefs.splice import Mover

# Full pages are fetched at least this often, so that SIGKILL loses no more than that.
_TICK_S = 0.25
_NAMES_S = 2.0
# A reader is woken when this much of a CPU's buffer is full: early enough that it does not overrun, late
# enough that each read is large.
_WAKE_PERCENT = 25
_WAKE_PERCENT_SMALL = 10
_SMALL_KB = 1024
_DEFAULT_KB = 4096
_SHARE_OF_MEMORY = 32
_MUCH = 256 << 20  # bytes; moving more than that takes a while

_Told = TypeVar("_Told", str, "Progress")


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a recording. `lost` is the kernel's count for all CPUs."""

    seconds: float
    size: int
    events: int
    lost: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """The result of a recording.

    Attributes:
        events: the number of events in the file.
        size: the size of the file in bytes.
        disk_full: whether a full disk ended the recording.
        outcome: its `unread` counts the records that stayed in the kernel's buffer.
    """

    events: int
    size: int
    disk_full: bool
    outcome: Outcome


def record(
    context: RunContext,
    request: TraceRequest,
    path: str,
    *,
    max_size: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Recorded:
    """Run `ktrace record`.

    Args:
        path: the file; an existing one is replaced when the recording is complete.
        max_size: end after this many bytes of pages.
        progress: called twice a second.

    Raises:
        KtraceError: the file cannot be written.
    """
    if path == "-":
        raise UsageError("a recording cannot go to standard output: its pages are moved at the end")
    # Check this before opening it, too: opening a pipe that nobody reads would block.
    with suppress(OSError):  # reported when it is opened
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise _not_regular(path)
    with target_of(path) as target:
        if target.is_stream:
            raise _not_regular(path)
        shown = None if progress is None else _unhindered(progress)
        unhindered = replace(context, notify=_unhindered(context.notify))
        return _record(unhindered, request, target, max_size, shown)


def _record(
    context: RunContext,
    request: TraceRequest,
    target: Target,
    max_size: int | None,
    progress: Callable[[Progress], None] | None,
) -> Recorded:
    session, stop = context.session, context.stop
    prepare(context, request)
    cpus = [stats.cpu for stats in session.stats()]
    contents = save_contents(session, cpus, request.targets.names)
    missed_before = missed_hits(session)
    watched = watch(session, context.notify)
    watched.begin()
    with ExitStack() as stack:
        # The parts must not be readable by anyone who could not read the old file.
        mode = 0o666 if target.status is None else target.status.st_mode & 0o666
        with naming(target.shown):
            lock = unfinished.begin(target.path, contents, cpus, mode)
        stack.callback(os.close, lock)
        moving = stack.enter_context(ExitStack())
        with _no_parts_if_it_fails(target):
            opened = partial(unfinished.open_part, target.path)
            mover = moving.enter_context(Mover(session.files, contents.page_size, cpus, opened))
            run = _Run(session, mover, Names(), target, progress)
            session.wake_at(_wake_percent(session))
            stop.check()
            session.arm()
            waiting = context.waiting(mover.fds.values(), every_s=_TICK_S)
            waiting.begin()
        with _recoverable(target):
            with _without_collections():
                run.until_the_end(waiting, max_size)
            stop.end()
            session.stop()
            seconds = waiting.seconds
            run.take_the_rest(stop)
            stats = session.stats()
            events = sum(s.read for s in stats)
            muted = watched.end(events)
            missed = {e: n - missed_before.get(e, 0) for e, n in missed_hits(session).items()}
            run.names.add_living(names_proc(session.host))
            final = _final(contents, run.names, session, cpus)
            moving.close()  # the kernel keeps an instance whose files are open
            try:
                session.close()  # first, because moving many pages takes longer than a run's grace time
            finally:
                if mover.size > _MUCH:
                    context.notify(_put_in_order(mover.size, target.shown))
                size = unfinished.assemble(
                    target.path, final, cpus, lock, target.status, lambda: stop.insisted
                )
    outcome = Outcome(
        seconds,
        sum(s.lost for s in stats),
        sum(n for n in missed.values() if n > 0),
        sum(s.entries for s in stats) if run.disk_full or run.is_cut else 0,
        muted=muted,
    )
    return Recorded(events, size, run.disk_full, outcome)


def _wake_percent(session: Session) -> int:
    small = session.buffer_kb is not None and session.buffer_kb < _SMALL_KB
    return _WAKE_PERCENT_SMALL if small else _WAKE_PERCENT


@contextmanager
def _no_parts_if_it_fails(target: Target) -> Iterator[None]:
    """Remove the parts of a recording that did not start."""
    try:
        yield
    except BaseException:
        unfinished.remove_parts(target.path)
        raise


class _Run:
    """Moves pages until the recording ends."""

    def __init__(
        self,
        session: Session,
        mover: Mover,
        names: Names,
        target: Target,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.names = names
        self.disk_full = False
        self.is_cut = False  # records that stayed in the kernel's buffer for lack of time
        self._session = session
        self._mover = mover
        self._path = target.path
        self._progress = progress
        self._names_at = time.monotonic() + _NAMES_S
        self._progress_at = 0.0

    def until_the_end(self, waiting: Waiting, max_size: int | None) -> None:
        """Move full pages until the run is over, the file is large enough, or the disk is full."""
        cpu_of = {fd: cpu for cpu, fd in self._mover.fds.items()}
        swept = time.monotonic()
        while not self.disk_full and waiting():
            ready = [cpu_of[fd] for fd in waiting.ready]
            now = time.monotonic()
            if now - swept >= _TICK_S:
                ready, swept = list(self._mover.fds), now
            self._move(ready)
            if max_size is not None and self._mover.size >= max_size:
                return
            self._now_and_then(now, waiting.seconds)

    def take_the_rest(self, stop: StopSignals) -> None:
        """Move the pages left in the buffers after recording has stopped, while there is time."""
        left = list(self._mover.fds)
        while left and not (self.disk_full or stop.overdue):
            cpu = left.pop(0)
            before = self._mover.moved.get(cpu, 0)
            self._guarded(partial(self._mover.move, cpu))
            if self._mover.moved.get(cpu, 0) > before:
                left.append(cpu)
            elif not self.disk_full:
                self._guarded(partial(self._mover.rest, cpu))
        self.is_cut = bool(left)
        self.names.add(self._session.saved_names().encode("utf-8", "surrogateescape"))

    def _move(self, cpus: list[int]) -> None:
        self._guarded(lambda: [self._mover.move(cpu) for cpu in cpus])

    def _guarded(self, move: Callable[[], object]) -> None:
        """Move pages. If the disk is full, end the recording, and still write the pages already read."""
        try:
            move()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            self.disk_full = True
            self._session.stop()
            unfinished.give_up_room(self._path)
            self._mover.finish_move()

    def _now_and_then(self, now: float, seconds: float) -> None:
        if now >= self._names_at:
            self._names_at = now + _NAMES_S
            if self.names.add(self._session.saved_names().encode("utf-8", "surrogateescape")):
                self._guarded(lambda: unfinished.save_names(self._path, self.names.text()))
        if self._progress is not None and now >= self._progress_at:
            self._progress_at = now + 0.5
            stats = self._session.stats()
            events, lost = sum(s.read + s.entries for s in stats), sum(s.lost for s in stats)
            self._progress(Progress(seconds, self._mover.size, events, lost))


def _unhindered(tell: Callable[[_Told], None]) -> Callable[[_Told], None]:
    """Ignore failures of the block's output, so that the recording is still assembled."""

    def told(what: _Told) -> None:
        with suppress(Interrupted, OSError):
            tell(what)

    return told


@contextmanager
def _without_collections() -> Iterator[None]:
    """Pause Python's garbage collection, which can take as long as a small buffer needs to fill."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def default_buffer_kb(cpus: int, memory_kb: int) -> int:
    """Return the default KiB of buffer for each CPU.

    It is large enough for a reader that sleeps, but only a small part of the memory."""
    return max(min(_DEFAULT_KB, memory_kb // _SHARE_OF_MEMORY // max(cpus, 1)), 128)


def _not_regular(path: str) -> KtraceError:
    return KtraceError(f"{path} is not a regular file: pages cannot be put in order there")


@contextmanager
def _recoverable(target: Target) -> Iterator[None]:
    """Add to an error where the recorded pages are."""
    try:
        yield
    except OSError as error:
        reason = ": ".join(filter(None, (error.filename, error.strerror or str(error))))
        if unfinished.is_unfinished(target.path):
            raise KtraceError(
                f"{target.shown} cannot be written: {reason}: its pages stay in files next to it",
                hint=f"ktrace report --recover {shlex.quote(target.shown)}",
            ) from error
        raise KtraceError(f"{target.shown} cannot be written: {reason}") from error


def _final(contents: Contents, names: Names, session: Session, cpus: list[int]) -> Contents:
    """Return the contents with names and each CPU's counters, which are known only at the end."""
    texts = tuple(f"CPU: {cpu}\n" + session.files.read(f"per_cpu/cpu{cpu}/stats") for cpu in cpus)
    options = replace(contents.options, cpu_stats=texts)
    return replace(contents, cmdlines=names.text(), options=options)


def _put_in_order(size: int, shown: str) -> str:
    return f"{size >> 20} MiB are moved into the file; a second signal leaves them in files next to {shown}"
