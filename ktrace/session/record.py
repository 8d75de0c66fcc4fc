"""One run of `ktrace record`: arm, move pages to files, account for what was lost, assemble, undo."""

import errno
import gc
import os
import re
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ktrace.errors import KtraceError, UsageError
from ktrace.model.muted import Muted
from ktrace.session.command import Command
from ktrace.session.muted import watch
from ktrace.session.request import Request, missed_hits, prepare
from ktrace.session.saved import Names, save_contents
from ktrace.session.session import Session
from ktrace.session.signals import StopSignals
from ktrace.tracedat import unfinished
from ktrace.tracedat.contents import Contents
from ktrace.tracefs.pid_namespace import names_proc
from ktrace.tracefs.splice import Mover

# Full pages are fetched so often, however few they are: what SIGKILL leaves is as old at most.
_TICK_S = 0.25
_NAMES_S = 2.0
# A reader is woken when so much of a CPU's buffer is filled: early enough to have room, late enough to
# be worth it.
_WAKE_PERCENT = 25
_WAKE_PERCENT_SMALL = 10
_SMALL_KB = 1024
_DEFAULT_KB = 4096
_SHARE_OF_MEMORY = 32


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recording is. `lost` as the kernel counts it, of all CPUs."""

    seconds: float
    size: int
    events: int
    lost: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording came to.

    Attributes:
        seconds: from arming to the end.
        size: of the file in bytes.
        lost: records overwritten or dropped before they were moved.
        missed: hits that no record was made of.
        unsaved: records that stayed in the kernel's buffer because the disk was full.
        disk_full: whether it was that which ended it.
        muted: events that nothing could hit.
    """

    seconds: float
    size: int
    events: int
    lost: int
    missed: int
    unsaved: int = 0
    disk_full: bool = False
    muted: tuple[Muted, ...] = ()


def record(
    session: Session,
    request: Request,
    path: str,
    stop: StopSignals,
    *,
    command: Command | None = None,
    max_size: int | None = None,
    note: Callable[[str], None],
    progress: Callable[[Progress], None] | None = None,
) -> Recorded:
    """Run it. The session is entered and left by the caller.

    Args:
        path: the file; what was there is replaced.
        max_size: end when so many bytes of pages have come.
        note: takes remarks for the user.
        progress: told twice a second how far it is.

    Raises:
        OSError: the file cannot be written.
    """
    path = _checked(path)
    prepare(session, request, stop, command, note)
    cpus = [stats.cpu for stats in session.stats()]
    contents = save_contents(session, cpus)
    missed_before = missed_hits(session)
    watched = watch(session, note)
    watched.begin()
    unfinished.begin(path, contents, cpus)
    with Mover(session.files, contents.page_size, cpus, lambda cpu: _open_part(path, cpu)) as mover:
        run = _Run(session, mover, Names(), path, progress)
        try:
            small = session.buffer_kb is not None and session.buffer_kb < _SMALL_KB
            session.wake_at(_WAKE_PERCENT_SMALL if small else _WAKE_PERCENT)
            stop.check()
            session.arm()
            if command is not None:
                command.start()
        except BaseException:
            unfinished.remove_parts(path)
            raise
        with _without_collections():
            run.until_the_end(stop, command, request.duration_s, max_size)
        session.stop()
        seconds = run.seconds
        run.take_the_rest()
        stats = session.stats()
    missed = {e: n - missed_before.get(e, 0) for e, n in missed_hits(session).items()}
    run.names.add_living(names_proc())
    size = _assemble(path, _final(contents, run.names, session, cpus), cpus)
    events = sum(s.read for s in stats)
    return Recorded(
        seconds,
        size,
        events,
        sum(s.lost for s in stats),
        sum(n for n in missed.values() if n > 0),
        sum(s.entries for s in stats),
        run.disk_full,
        watched.end(events),
    )


class _Run:
    """Moving pages until something ends it."""

    def __init__(
        self,
        session: Session,
        mover: Mover,
        names: Names,
        path: str,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.names = names
        self.disk_full = False
        self._session = session
        self._mover = mover
        self._path = path
        self._progress = progress
        self._started = time.monotonic()
        self._names_at = self._started + _NAMES_S
        self._progress_at = self._started

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._started

    def until_the_end(
        self, stop: StopSignals, command: Command | None, duration_s: float | None, max_size: int | None
    ) -> None:
        """Move pages as they fill, until a signal, the command's end, the time, the size or a full disk."""
        poll = select.poll()
        cpu_of = {fd: cpu for cpu, fd in self._mover.fds.items()}
        for fd in (*cpu_of, stop.fd, *((command.fd,) if command is not None else ())):
            poll.register(fd, select.POLLIN)
        swept = time.monotonic()
        while not self.disk_full:
            left = _TICK_S if duration_s is None else max(0.0, min(_TICK_S, duration_s - self.seconds))
            ready = [cpu_of[fd] for fd, _ in poll.poll(left * 1000) if fd in cpu_of]
            now = time.monotonic()
            if now - swept >= _TICK_S:
                ready, swept = list(self._mover.fds), now
            self._move(ready)
            if max_size is not None and self._mover.size >= max_size:
                return
            if stop.received is not None or (command is not None and command.ended):
                return
            if duration_s is not None and self.seconds >= duration_s:
                return
            self._now_and_then(now)

    def take_the_rest(self) -> None:
        """What the buffers still hold when recording has been switched off."""
        if not self.disk_full:
            self._guarded(lambda: [self._mover.rest(cpu) for cpu in self._mover.fds])
        self.names.add(self._session.saved_names().encode("utf-8", "surrogateescape"))

    def _move(self, cpus: list[int]) -> None:
        self._guarded(lambda: [self._mover.move(cpu) for cpu in cpus])

    def _guarded(self, move: Callable[[], object]) -> None:
        """Do it; a full disk ends the recording, and pages that were on their way still come to rest."""
        try:
            move()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            self.disk_full = True
            self._session.stop()
            unfinished.give_up_room(self._path)
            self._mover.finish_move()

    def _now_and_then(self, now: float) -> None:
        if now >= self._names_at:
            self._names_at = now + _NAMES_S
            if self.names.add(self._session.saved_names().encode("utf-8", "surrogateescape")):
                self._guarded(lambda: unfinished.save_names(self._path, self.names.text()))
        if self._progress is not None and now >= self._progress_at:
            self._progress_at = now + 0.5
            stats = self._session.stats()
            events, lost = sum(s.read + s.entries for s in stats), sum(s.lost for s in stats)
            self._progress(Progress(self.seconds, self._mover.size, events, lost))


@contextmanager
def _without_collections() -> Iterator[None]:
    """Python does not look for garbage meanwhile: that takes as long as a small buffer needs to fill."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def default_buffer_kb(cpus: int, memory_kb: int) -> int:
    """KiB of buffer for each CPU, where the user does not say: as a reader that sleeps may need it, and
    of all memory not more than a small part."""
    return max(min(_DEFAULT_KB, memory_kb // _SHARE_OF_MEMORY // max(cpus, 1)), 128)


def parse_size(text: str) -> int:
    """`500M` in bytes; K, M, G and T are powers of 1,024. Raises UsageError.

    >>> parse_size("64K")
    65536
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if not match or not float(match[1]):
        raise UsageError(f"'{text}' is no size", hint="such as 500M or 2G")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def _checked(path: str) -> str:
    """The file's real path: it is replaced in the end, and a link to it shall stay one."""
    real = os.path.realpath(path)
    if Path(real).exists() and not Path(real).is_file():
        raise KtraceError(f"{path} is no regular file: pages cannot be put in order there")
    os.close(os.open(real, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
    return real


def _open_part(path: str, cpu: int) -> int:
    return os.open(
        unfinished.part_path(path, cpu), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666
    )


def _final(contents: Contents, names: Names, session: Session, cpus: list[int]) -> Contents:
    """The contents with what is known in the end alone: names, and each CPU's account."""
    texts = tuple(f"CPU: {cpu}\n" + session.files.read(f"per_cpu/cpu{cpu}/stats") for cpu in cpus)
    options = replace(contents.options, cpu_stats=texts)
    return replace(contents, cmdlines=names.text(), options=options)


def _assemble(path: str, contents: Contents, cpus: list[int]) -> int:
    try:
        return unfinished.assemble(path, contents, cpus)
    except OSError as error:
        raise KtraceError(
            f"{path}: {error.strerror}: its pages stay in files beside it",
            hint=f"ktrace report --recover {path}",
        ) from error
