"""Hold an instance so that nobody removes it, and find out whether the session that made it is alive.

The kernel refuses to remove an instance while one of its files is open. A session keeps `tracing_on` of each
instance open from creation to removal. Opening that file has no other effect: it does not count as a reader,
does not pause anything, and tracer, size and clock can still be changed. The session also locks it with
flock(2). Others can see the lock without trying to remove anything, and even if they cannot see the process:
from another pid namespace, under hidepid=2, or in another time namespace.

Between mkdir(2) and the lock, a live session looks like a dead one. So both happen under a shared lock on the
directory `instances`, and a process that judges sessions waits for it.
"""

import errno
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum

from ktrace.host.host import Held as HeldFile
from ktrace.host.host import Host
from ktrace.records import dataclass
from ktrace.tracefs.files import Files
from ktrace.tracefs.instances import INITIAL_PID_NAMESPACE, Owner, own_pid_namespace

_HELD = "tracing_on"
_TRIES = 200
_WAIT_S = 0.01
_NOT_THERE = (errno.ENOENT, errno.ENODEV, errno.ENOTDIR)


class Life(Enum):
    """The states of a session."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state and, if it is not obvious, how it is known or why it is unknown."""

    life: Life
    why: str = ""


DEAD = Verdict(Life.DEAD)


class Held:
    """The instances that are kept open, by their paths in the tracing directory."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._open: dict[str, HeldFile] = {}

    def make(self, path: str) -> None:
        """Make an instance and hold it. Raises OSError."""
        with _locked(self._files, exclusive=False):
            self._files.mkdir(path)
            try:
                self._open[path] = self._files.hold(f"{path}/{_HELD}")
            except FileNotFoundError:
                return  # it has already been removed: the next write to it reports that
            except OSError:
                with suppress(OSError):
                    self._files.rmdir(path)
                raise
            with suppress(OSError):  # without the lock, the open file still prevents removal
                self._open[path].lock(exclusive=False)

    def let_go(self, path: str) -> None:
        """Stop holding an instance; do nothing if it is not held."""
        held = self._open.pop(path, None)
        if held is not None:
            held.close()


class Judge:
    """Finds out which sessions are alive.

    Args:
        files: the tracing directory.

    Example:
        with Judge(files) as judge:
            verdict = judge.of(owner, ["ktrace_7_100_4026531836"])
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._lock = _locked(files, exclusive=True)

    def __enter__(self) -> "Judge":
        self._lock.__enter__()
        return self

    def __exit__(self, *_error: object) -> None:
        self._lock.__exit__(None, None, None)

    def of(self, owner: Owner, instances: Iterable[str]) -> Verdict:
        """Return whether the session that made these instances is alive; pass all instances of its name."""
        seen = look_for(self._files.host, owner)
        problem = ""
        for name in instances:
            try:
                if self._is_held(name):
                    return Verdict(Life.ALIVE, "" if seen.life is Life.ALIVE else _unseen(owner))
            except OSError as error:
                problem = problem or f"instance {name} cannot be examined: {error.strerror}"
        if seen.life is Life.ALIVE:
            return seen
        if problem and not (seen.life is Life.DEAD and owner.namespace is not None):
            return Verdict(Life.UNKNOWN, problem)
        if problem or owner.namespace is None:
            return seen
        return DEAD  # a live session would hold its instance

    def _is_held(self, name: str) -> bool:
        try:
            held = self._files.hold(f"instances/{name}/{_HELD}")
        except OSError as error:
            if error.errno in _NOT_THERE:
                return False
            raise
        try:
            return not held.lock(exclusive=True)
        finally:
            held.close()


def look_for(host: Host, owner: Owner) -> Verdict:
    """Look for the process itself. Its id is only valid in its own pid namespace."""
    here = own_pid_namespace(host)
    if owner.namespace is not None and owner.namespace != here:
        return Verdict(Life.UNKNOWN, f"it was made in another pid namespace ({owner.namespace})")
    if owner.namespace is None and here not in (None, INITIAL_PID_NAMESPACE):
        return Verdict(Life.UNKNOWN, "it may have been made in another pid namespace")
    if owner.pid == 0:
        return DEAD  # 0 in kill(2) would mean our own process group
    if not host.is_running(owner.pid):
        return DEAD
    return _compare(host, owner)


def _compare(host: Host, owner: Owner) -> Verdict:
    """Compare the owner with the process that has its id now."""
    hidden = Verdict(Life.UNKNOWN, f"/proc does not show process {owner.pid}, which exists")
    if not _proc_is_of_this_namespace(host):
        return hidden
    try:
        stat = host.read_bytes(f"/proc/{owner.pid}/stat")
    except OSError:
        return hidden if host.is_running(owner.pid) else DEAD  # it has ended in the meantime
    state, starttime = Owner.parse_stat(stat)
    same = starttime == owner.starttime and state not in ("Z", "X")
    return Verdict(Life.ALIVE if same else Life.DEAD)


def _proc_is_of_this_namespace(host: Host) -> bool:
    """Return whether /proc shows pids of this namespace: then this process has one number, not several."""
    try:
        status = host.read("/proc/self/status")
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
def _locked(files: Files, *, exclusive: bool) -> Iterator[None]:
    """Lock the directory of instances; after two seconds, or if it does not exist, continue without."""
    try:
        held = files.hold("instances")
    except OSError:
        yield
        return
    try:
        for _ in range(_TRIES):
            try:
                if held.lock(exclusive=exclusive):
                    break
            except OSError:
                break
            time.sleep(_WAIT_S)
        yield
    finally:
        held.close()
