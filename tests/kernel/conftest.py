"""Tests on a running kernel, with root, tracefs and kprobes: on your own kernel, or in the VM.

Each test finds the kernel's control files as they were at the start, and leaves them so. A machine on
which they cannot run is a failure, not a skip: `make test` boots one on which they can.
"""

import ctypes
import importlib
import io
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

import ktrace as ktrace_package
from ktrace.cli.main import main
from ktrace.host.local import LocalHost
from ktrace.tracefs.mount import find_debug, find_tracing
from tests.kernel.control_files import differences, state
from tests.unit.output.schema import SCHEMA, fits

DEADLINE_S = 180

# Loaded once, so that a forked ktrace need not: emulated, Python takes seconds to load them.
for _module in pkgutil.walk_packages(ktrace_package.__path__, "ktrace."):
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)
# typer loads this late, when nobody may read it where the environment is in root's own folder.
importlib.import_module("typer._click.decorators")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=20, help="how many kills test_kill.py places")
    parser.addoption("--seed", type=int, default=1, help="of their places")


def pytest_report_header(config: pytest.Config) -> str:
    return f"kills: {config.getoption('--kills')}, seed {config.getoption('--seed')}"


@dataclass(frozen=True)
class Outcome:
    """The result of one ktrace process."""

    status: int
    out: str
    err: str

    def records(self, kind: str | None = None) -> list[dict]:
        records = [json.loads(line) for line in self.out.splitlines()]
        assert all(fits(record, SCHEMA) for record in records), records
        return [r for r in records if kind is None or r["type"] == kind]


def enter_pid_namespace() -> None:
    """Continue as process 1 of a new pid namespace with its own /proc, as in a container.

    The process that calls it passes signals on, waits, and ends with the same status; killed, it takes the
    other one with it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    new_mounts, new_pids, pr_set_pdeathsig = 0x00020000, 0x20000000, 1
    recursive, private = 0x4000, 1 << 18
    assert libc.unshare(new_mounts | new_pids) == 0, os.strerror(ctypes.get_errno())
    child = os.fork()
    if child:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda received, _frame: os.kill(child, received))
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    libc.prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
    assert libc.mount(b"none", b"/", None, recursive | private, None) == 0
    assert libc.mount(b"proc", b"/proc", b"proc", 0, None) == 0


class Running:
    """A ktrace in a separate process, forked from this one, so its imports are already loaded.

    With `elsewhere` it runs in a separate pid namespace.

    Args:
        before: called in the new process before ktrace runs there.
    """

    def __init__(
        self,
        argv: tuple[str, ...],
        stdin: bytes = b"",
        out: int | None = None,
        uid: int = 0,
        elsewhere: bool = False,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        self._out_r, out_w = os.pipe()
        self._err_r, err_w = os.pipe()
        in_r, in_w = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            if elsewhere:
                enter_pid_namespace()
            self._child(argv, in_r, out if out is not None else out_w, err_w, uid, before)
        for fd in (in_r, out_w, err_w):
            os.close(fd)
        os.write(in_w, stdin)
        os.close(in_w)
        self._texts = {self._out_r: b"", self._err_r: b""}
        self._open = {self._out_r, self._err_r}

    @staticmethod
    def _child(
        argv: tuple[str, ...], stdin: int, stdout: int, stderr: int, uid: int, before: Callable[[], None]
    ) -> None:
        status = 70
        try:
            if uid:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
            for target, fd in enumerate((stdin, stdout, stderr)):
                os.dup2(fd, target)
            os.closerange(3, 256)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(
                    number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
                )
            sys.stdin = io.TextIOWrapper(io.FileIO(0))
            sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "wb")))
            sys.stderr = io.TextIOWrapper(io.FileIO(2, "wb"), write_through=True)
            before()
            status = main(argv)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            with suppress(OSError, ValueError):
                sys.stdout.flush()
            os._exit(status)

    def _pump(self, seconds: float) -> bool:
        """Take what it wrote; False when it has closed both ends."""
        if not self._open:
            return False
        for fd in select.select(list(self._open), [], [], seconds)[0]:
            piece = os.read(fd, 1 << 16)
            if piece:
                self._texts[fd] += piece
            else:
                self._open.discard(fd)
        return True

    @property
    def out(self) -> str:
        return self._texts[self._out_r].decode("utf-8", "surrogateescape")

    @property
    def err(self) -> str:
        return self._texts[self._err_r].decode("utf-8", "surrogateescape")

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition of the world, with a deadline."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain; stdout: {self.out}\nstderr: {self.err}"
            if not self._pump(0.05):
                time.sleep(0.02)

    def settle(self, seconds: float = 0.4) -> None:
        """Wait until it has written nothing for a while."""
        size = -1
        while size != (size := len(self._texts[self._out_r])):
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0 and self._pump(left):
                pass

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def close_out(self) -> None:
        """Nobody reads its standard output any more."""
        os.close(self._out_r)
        self._open.discard(self._out_r)

    def wait(self) -> Outcome:
        deadline = time.monotonic() + DEADLINE_S
        while self._pump(0.2):
            assert time.monotonic() < deadline, f"did not end; stdout: {self.out}\nstderr: {self.err}"
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        outcome = Outcome(status, self.out, self.err)
        with suppress(OSError):
            os.close(self._out_r)
        os.close(self._err_r)
        assert "Traceback" not in outcome.err, outcome.err
        return outcome


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Start a ktrace and go on; it is killed at the end if it still runs."""
    started: list[Running] = []

    def begin(
        *argv: str,
        stdin: bytes = b"",
        out: int | None = None,
        uid: int = 0,
        elsewhere: bool = False,
        before: Callable[[], None] = lambda: None,
    ) -> Running:
        started.append(Running(argv, stdin, out, uid, elsewhere, before))
        return started[-1]

    yield begin
    for running in started:
        with suppress(OSError):
            os.kill(running.pid, signal.SIGKILL)
            os.waitpid(running.pid, 0)


@pytest.fixture
def ktrace(start: Callable[..., Running]) -> Callable[..., Outcome]:
    """Run a ktrace to its end; with `status`, it must be that."""

    def run(
        *argv: str,
        stdin: bytes = b"",
        status: int | None = 0,
        uid: int = 0,
        elsewhere: bool = False,
    ) -> Outcome:
        outcome = start(*argv, stdin=stdin, uid=uid, elsewhere=elsewhere).wait()
        assert status is None or outcome.status == status, f"{argv}: {outcome}"
        return outcome

    return run


@pytest.fixture(scope="session")
def tracing() -> Path:
    """Return the tracing directory. Fail if there are no kprobes."""
    return Path(find_tracing(LocalHost()).root)


@pytest.fixture(scope="session")
def debugfs() -> Path:
    debug = find_debug(LocalHost())
    assert debug is not None, "debugfs must be mounted"
    return Path(debug.root)


def is_armed(tracing: Path) -> bool:
    """Return whether the events of a ktrace session are enabled and its buffer records them.

    A new instance takes events from the moment it is made: that alone says nothing.
    """
    for path in (tracing / "instances").glob("ktrace_*"):
        with suppress(OSError):  # it may go while we look
            if (path / "tracing_on").read_text().strip() == "1" and (path / "set_event").read_text():
                return True
    return False


@pytest.fixture
def armed(tracing: Path) -> Callable[[], bool]:
    """Asks whether a ktrace session is ready for its events."""
    return lambda: is_armed(tracing)


@pytest.fixture(autouse=True)
def untouched(tracing: Path, debugfs: Path) -> Iterator[None]:
    """Every test leaves the kernel's files as it found them."""
    before = state(tracing, debugfs)
    yield
    deadline = time.monotonic() + 5  # probes go after a grace period
    while (after := state(tracing, debugfs)) != before and time.monotonic() < deadline:
        time.sleep(0.1)
    try:
        assert not differences(before, after)
    finally:
        if after != before:
            wipe(tracing)


def wipe(tracing: Path) -> None:
    """After a failure: all off and gone, so that the next test starts clean."""
    for path in (tracing / "instances").iterdir():
        with suppress(OSError):
            path.rmdir()
    with suppress(OSError):
        (tracing / "events/enable").write_text("0")
    for name in ("kprobe_events", "uprobe_events", "dynamic_events"):
        with suppress(OSError):
            (tracing / name).write_text("")


def append(path: Path, line: str) -> None:
    """One write(2) of one line; Python's own append mode seeks, which control files refuse."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, line.encode() + b"\n")
    finally:
        os.close(fd)


@pytest.fixture
def write() -> Callable[[Path, str], None]:
    """Write one line to a control file by hand."""
    return append


@pytest.fixture
def foreign(tracing: Path) -> Iterator[Callable[[str], None]]:
    """Define a probe by hand, as another tool would; removed at the end."""
    events: list[str] = []

    def define(line: str) -> None:
        append(tracing / "kprobe_events", line)
        events.append(line.split(maxsplit=1)[0].partition(":")[2])

    yield define
    for event in events:
        with suppress(OSError):
            append(tracing / "events" / event / "enable", "0")
        append(tracing / "kprobe_events", f"-:{event}")


@pytest.fixture
def forks() -> Iterator[None]:
    """Processes are made while the test runs."""
    loop = subprocess.Popen(["sh", "-c", "while :; do /bin/true; sleep 0.05; done"])
    yield
    loop.kill()
    loop.wait()
