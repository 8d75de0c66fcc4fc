"""Holding an instance, so that nobody removes it, and asking whether the session of a name still lives.

The kernel refuses to remove an instance while one of its files is open. A session keeps `tracing_on` open
from the making of each instance to its removal: opening that file has no other effect (it makes nobody a
reader, pauses nothing, and lets tracer, size and clock be changed). It also has a lock on it, flock(2), which
others can see without an attempt to remove anything, whatever they can see of processes: from another pid
namespace, under hidepid=2, in another time namespace.

Between mkdir(2) and the lock a session cannot be told from a dead one, so both happen under a shared lock on
the directory `instances`, and who judges sessions waits for it.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ktrace.tracefs.files import Files
from ktrace.tracefs.instances import INITIAL_PID_NAMESPACE, Owner, own_pid_namespace

_HELD = "tracing_on"
_TRIES = 200
_WAIT_S = 0.01
_NOT_THERE = (errno.ENOENT, errno.ENODEV, errno.ENOTDIR)


class Life(Enum):
    """Whether a session runs."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a session runs, and, where that is not plain, how it is known or why it is not."""

    life: Life
    why: str = ""


DEAD = Verdict(Life.DEAD)


class Held:
    """The instances that are kept open, by their paths below the tracing directory."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._fds: dict[str, int] = {}

    def make(self, path: str) -> None:
        """Make an instance, and hold it. Raises OSError."""
        with _locked(self._files, fcntl.LOCK_SH):
            self._files.mkdir(path)
            try:
                self._fds[path] = self._files.stream(f"{path}/{_HELD}")
            except FileNotFoundError:
                return  # it has been removed already: what is written to it next says so
            except OSError:
                with suppress(OSError):
                    self._files.rmdir(path)
                raise
            with suppress(OSError):  # open, it is still kept from being removed
                fcntl.flock(self._fds[path], fcntl.LOCK_SH | fcntl.LOCK_NB)

    def let_go(self, path: str) -> None:
        """Hold an instance no longer; nothing where it is not held."""
        fd = self._fds.pop(path, None)
        if fd is not None:
            os.close(fd)


class Judge:
    """Says which sessions run.

    Args:
        files: the tracing directory.

    Example:
        with Judge(files) as judge:
            verdict = judge.of(owner, ["ktrace_7_100_4026531836"])
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._lock = _locked(files, fcntl.LOCK_EX)

    def __enter__(self) -> "Judge":
        self._lock.__enter__()
        return self

    def __exit__(self, *_error: object) -> None:
        self._lock.__exit__(None, None, None)

    def of(self, owner: Owner, instances: Iterable[str]) -> Verdict:
        """Whether the session runs that made these instances, all that there are of its name."""
        seen = look_for(owner)
        problem = ""
        for name in instances:
            try:
                if self._is_held(name):
                    return Verdict(Life.ALIVE, "" if seen.life is Life.ALIVE else _unseen(owner))
            except OSError as error:
                problem = problem or f"instance {name} cannot be looked at: {error.strerror}"
        if seen.life is Life.ALIVE:
            return seen
        if problem and not (seen.life is Life.DEAD and owner.namespace is not None):
            return Verdict(Life.UNKNOWN, problem)
        if problem or owner.namespace is None:
            return seen
        return DEAD  # it would hold its instance

    def _is_held(self, name: str) -> bool:
        try:
            fd = self._files.stream(f"instances/{name}/{_HELD}")
        except OSError as error:
            if error.errno in _NOT_THERE:
                return False
            raise
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False


def look_for(owner: Owner) -> Verdict:
    """Look for the process itself. Only in its own pid namespace does its number mean anything."""
    here = own_pid_namespace()
    if owner.namespace is not None and owner.namespace != here:
        return Verdict(Life.UNKNOWN, f"it was made in another pid namespace ({owner.namespace})")
    if owner.namespace is None and here not in (None, INITIAL_PID_NAMESPACE):
        return Verdict(Life.UNKNOWN, "it may have been made in another pid namespace")
    if owner.pid == 0:
        return DEAD  # kill(2) would mean ourselves
    try:
        os.kill(owner.pid, 0)
    except (ProcessLookupError, OverflowError):
        return DEAD
    except PermissionError:
        pass  # somebody else's, but there it is
    return _compare(owner)


def _compare(owner: Owner) -> Verdict:
    """A process of this number is there: is it that one?"""
    hidden = Verdict(Life.UNKNOWN, f"/proc does not show process {owner.pid}, which is there")
    if not _proc_is_of_this_namespace():
        return hidden
    try:
        stat = Path(f"/proc/{owner.pid}/stat").read_bytes()
    except OSError:
        with suppress(PermissionError):
            try:
                os.kill(owner.pid, 0)
            except ProcessLookupError:
                return DEAD  # it has ended meanwhile
        return hidden
    state, starttime = Owner.parse_stat(stat)
    same = starttime == owner.starttime and state not in ("Z", "X")
    return Verdict(Life.ALIVE if same else Life.DEAD)


def _proc_is_of_this_namespace() -> bool:
    """Whether /proc numbers processes as this process does: it then has one number in it, not several."""
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
    except OSError:
        return False
    numbers = status.partition("NSpid:")[2].partition("\n")[0].split()
    return len(numbers) <= 1


def _unseen(owner: Owner) -> str:
    return (
        f"it is in use, though process {owner.pid} cannot be seen from here "
        "(another pid namespace, or a /proc that hides processes)"
    )


@contextmanager
def _locked(files: Files, kind: int) -> Iterator[None]:
    """Hold a lock on the directory of instances; after two seconds, or where there is none, go on without."""
    try:
        fd = files.stream("instances")
    except OSError:
        yield
        return
    try:
        for _ in range(_TRIES):
            try:
                fcntl.flock(fd, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_WAIT_S)
            except OSError:
                break
        yield
    finally:
        os.close(fd)
