"""Kills at a chosen moment: after some time, or exactly before or after the n-th write to the kernel.

The program that is killed is the one that users run: it is wrapped where it writes, in its own process, by
the test. So a kill can be placed between any two writes.
"""

import ctypes
import mmap
import os
import random
import signal
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ktrace.tracefs.files import Files
from tests.kernel.victims import Victim

Means = Literal["KILL", "TERM", "INT-INT"]
MEANS: tuple[Means, ...] = ("KILL", "KILL", "TERM", "INT-INT")
_WRITES = ("write", "clear", "mkdir", "rmdir")
# A signal that comes sooner after another is the same one: timeout(1) sends it twice (session.signals).
_APART_S = 0.25
_LONGEST_S = 3.0
_CLONE_NEWNS, _CLONE_NEWPID = 0x00020000, 0x20000000
_MS_REC_PRIVATE = 0x4000 | 0x40000


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill.

    Attributes:
        means: the signals. If there are two, the second comes while the changes are undone.
        at: the number of the write that it hits, from 1; 0 for a moment in time.
        before: whether it comes before the write, not after it.
        later: the number of writes from the first signal to the second.
        after_s: the moment, in seconds after the start of ktrace.
        apart: the process in a separate pid namespace: the victim, `clean`, or neither.
    """

    number: int
    victim: Victim
    means: Means
    at: int = 0
    before: bool = True
    later: int = 1
    after_s: float = 0.0
    apart: Literal["", "victim", "clean"] = ""

    def __str__(self) -> str:
        where = f"{'before' if self.before else 'after'}-{self.at}" if self.at else f"{self.after_s:.2f}s"
        apart = f"-{self.apart}-apart" if self.apart else ""
        return f"{self.number}-{self.victim.name}-{self.means}-{where}{apart}"


def choose(seed: int, count: int, victims: Sequence[Victim]) -> list[Kill]:
    """Choose kills at random: all commands equally often, and no write twice while others are left."""
    chance = random.Random(seed)
    places = {
        victim.name: [(n, before) for n in range(1, victim.writes + 1) for before in (True, False)]
        for victim in victims
    }
    for of_one in places.values():
        chance.shuffle(of_one)
    order: list[Victim] = []
    kills = []
    for number in range(count):
        order = order or chance.sample(victims, len(victims))
        victim = order.pop()
        means = chance.choice(MEANS)
        later = chance.randint(1, 4)
        apart = chance.choice(("", "", "", "", "victim", "clean")) if means == "KILL" else ""
        # By a process id that is not the namespace's, ktrace refuses to trace.
        if victim.back or victim.partly or (apart == "victim" and "-p" in victim.argv):
            apart = ""
        if chance.random() < 0.25 or not places[victim.name]:
            moment = chance.uniform(0, _LONGEST_S if not victim.back else 0.5)
            kills.append(Kill(number, victim, means, after_s=moment, later=later, apart=apart))
        else:
            at, before = places[victim.name].pop()
            kills.append(Kill(number, victim, means, at, before, later, apart=apart))
    return kills


class Placed:
    """A kill in the process that it is for; `place` is called there, the rest by the test.

    Attributes:
        writes: how many were made or begun.
        struck: how many signals were sent from inside.
    """

    def __init__(self, kill: Kill) -> None:
        self._kill = kill
        self._shared = mmap.mmap(-1, mmap.PAGESIZE)
        self._count = self._struck = self._ready = 0

    @property
    def ready(self) -> bool:
        """Return whether the process has become ktrace; before that, it is a copy of the test."""
        return struct.unpack_from("=III", self._shared)[2] == 1

    @property
    def writes(self) -> int:
        return struct.unpack_from("=III", self._shared)[0]

    @property
    def struck(self) -> int:
        return struct.unpack_from("=III", self._shared)[1]

    def place(self) -> None:
        """Wrap what writes, in this process."""
        if self._kill.apart == "victim":
            live_apart()
        if self._kill.victim.terminal:
            os.dup2(1, 0)
        for name in _WRITES:
            setattr(Files, name, self._wrapped(getattr(Files, name)))
        self._ready = 1
        self._tell()

    def _wrapped(self, original: Callable[..., None]) -> Callable[..., None]:
        def method(*args: object) -> None:
            self._count += 1
            number = self._count
            self._tell()
            self._strike(number, before=True)
            try:
                original(*args)
            finally:  # a write that is refused has an end, too
                self._strike(number, before=False)

        return method

    def _strike(self, number: int, *, before: bool) -> None:
        kill = self._kill
        if before is not kill.before or not kill.at:
            return
        if number == kill.at:
            self._send({"KILL": signal.SIGKILL, "TERM": signal.SIGTERM, "INT-INT": signal.SIGINT}[kill.means])
        elif kill.means == "INT-INT" and number == kill.at + kill.later:
            time.sleep(_APART_S)
            self._send(signal.SIGINT)

    def _send(self, number: int) -> None:
        self._struck += 1
        self._tell()
        os.kill(os.getpid(), number)

    def _tell(self) -> None:
        struct.pack_into("=III", self._shared, 0, self._count, self._struck, self._ready)


def live_apart() -> None:
    """Continue in a new pid namespace with its own /proc, as its second process.

    The first process waits, as a container's does: signals from its namespace cannot kill it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS | _CLONE_NEWPID):
        raise OSError(ctypes.get_errno(), "unshare")
    _wait_for_a_child()
    libc.mount(b"none", b"/", None, _MS_REC_PRIVATE, None)
    if libc.mount(b"proc", b"/proc", b"proc", 0, None):
        raise OSError(ctypes.get_errno(), "mount /proc")
    _wait_for_a_child()


def _wait_for_a_child() -> None:
    """Fork; the parent ends as its child does, and the child returns."""
    pid = os.fork()
    if pid == 0:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os._exit(code if code >= 0 else 128 - code)


def last_child(pid: int) -> int:
    """Return the process at the end of a chain of only children."""
    while True:
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return pid
        if len(children) != 1:
            return pid
        pid = int(children[0])
