"""Every run ends, however it is ended: it says what it left unread, and cleans up.

Times are not asserted: an emulated guest takes many times longer for everything. `wait` of a run that did not
end fails by its deadline.
"""

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ktrace import Session
from ktrace.session import ending
from ktrace.tracefs import pipe, pipe_raw

READS = "import os\nf = os.open('/dev/zero', 0)\nwhile True: os.read(f, 1)"
LAGS = "for (i = 0; i < 200; i++) n += strlen(pid2execname(pid()))"
ENDLESS = ("-D", "MAXACTION=1000000000000")


def sessions(tracing: Path) -> list[str]:
    return sorted(p.name for p in (tracing / "instances").glob("ktrace_*"))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs have little time after their end, so that what they leave is seen with few events."""
    monkeypatch.setenv("KTRACE_GRACE", "4")


@pytest.fixture
def reads() -> Iterator[int]:
    """A process reads as fast as it can."""
    reader = subprocess.Popen([sys.executable, "-S", "-c", READS])
    yield reader.pid
    reader.kill()
    reader.wait()


@pytest.fixture
def full() -> Iterator[int]:
    """A pipe that is full, and that nobody reads."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
    try:
        while True:
            os.write(write_end, bytes(512))
    except BlockingIOError:
        os.set_blocking(write_end, True)
    yield write_end
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize("ends", ["-T", "INT", "TERM"])
def test_a_script_whose_handlers_lag(
    start: Callable, armed: Callable, tracing: Path, reads: int, ends: str
) -> None:
    end = 'probe end { printf("%d handled\\n", n > 0) }'
    script = f'global n, i probe kernel.function("vfs_read") {{ {LAGS} }} {end}'
    run = start("run", *(("-T", "2") if ends == "-T" else ()), *ENDLESS, "-e", script)
    if ends != "-T":
        run.until(armed)
        run.settle()
        run.signal(getattr(signal, f"SIG{ends}"))
    outcome = run.wait()
    assert outcome.status == (128 + 15 if ends == "TERM" else 0), outcome
    assert outcome.out == "1 handled\n" and sessions(tracing) == []
    left = re.search(r"^ktrace: WARNING: (\d+) events were left unread", outcome.err, re.MULTILINE)
    assert left and int(left[1]) > 0, outcome


def test_a_handler_that_never_returns(start: Callable, armed: Callable, tracing: Path, forks: None) -> None:
    """The end probe of a script still runs, and one that never returns is abandoned."""
    script = (
        'probe kernel.function("kernel_clone") { while (1) {} }'
        ' probe end(1) { println("first") } probe end(2) { while (1) {} } probe end(3) { println("last") }'
    )
    run = start("run", *ENDLESS, "-D", "MAXACTION_INTERRUPTIBLE=1000000000000", "-e", script)
    run.until(armed)
    run.settle(1)
    run.signal(signal.SIGINT)
    outcome = run.wait()
    assert outcome.out.startswith("first\n") and sessions(tracing) == []
    assert "a handler had not returned" in outcome.err and outcome.status == 0


@pytest.mark.parametrize(
    ("words", "ends", "status"),
    [
        (["trace", "--json", "-d", "1", "vfs_read"], None, 1),
        (["trace", "vfs_read"], "INT", 128 + 2),
        (["trace", "vfs_read", "-c", "sleep 1 ; dd if=/dev/zero of=/dev/null bs=1 count=9"], None, 1),
        (["graph", "vfs_read", "-d", "1", "--top-buffer"], None, 1),
        (["run", "-T", "1", "-e", 'probe kernel.function("vfs_read") { println(execname()) }'], None, 1),
        (["count", "vfs_read", "-d", "1"], None, 1),
        (["latency", "vfs_read", "--above", "0", "--json", "-d", "1"], None, 1),
    ],
    ids=["-d", "INT", "-c", "graph", "run", "count", "latency"],
)
def test_an_output_that_nobody_takes(
    start: Callable,
    armed: Callable,
    tracing: Path,
    reads: int,
    full: int,
    words: list[str],
    ends: str,
    status: int,
) -> None:
    run = start(*words, out=full)
    if ends:
        run.until(armed)
        run.settle(1)
        run.signal(signal.SIGINT)
    outcome = run.wait()
    assert outcome.status == status, outcome
    assert "nobody read" in outcome.err, outcome
    assert sessions(tracing) == []


@pytest.mark.parametrize("text", [False, True], ids=["pages", "text"])
def test_what_is_left_in_the_buffer_is_said_in_band(
    start: Callable, armed: Callable, tracing: Path, monkeypatch: pytest.MonkeyPatch, text: bool
) -> None:
    """ktrace is stopped while the buffer fills, and then asked to end."""
    monkeypatch.setattr(ending, "READING", 0.0)
    monkeypatch.setattr(pipe, "_ENOUGH", 1 << 16)
    for name in ("_ENOUGH", "_ENOUGH_TOGETHER", "_FEW"):
        monkeypatch.setattr(pipe_raw, name, 1 << 14)
    extra = ["--text"] if text else []
    run = start("trace", "--json", *extra, "vfs_read", "--filter", "COMM == 'dd'")
    run.until(armed)
    run.signal(signal.SIGSTOP)
    subprocess.run(
        ["taskset", "-c", "0", "dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=4000", "status=none"],
        check=True,
    )
    run.signal(signal.SIGINT)
    run.signal(signal.SIGCONT)
    outcome = run.wait()
    assert outcome.status == 0 and sessions(tracing) == []
    (unread,) = outcome.records("unread")
    assert outcome.records()[-1] == unread
    events = len(outcome.records("event"))
    assert events > 0 and events + unread["count"] >= 4000
    assert f"{events} events in" in outcome.err and f"{unread['count']} left unread" in outcome.err
    assert "KTRACE_GRACE=60" in outcome.err


def test_a_program_that_lags_is_told_what_was_left(tracing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "READING", 0.0)
    for name in ("_ENOUGH", "_ENOUGH_TOGETHER", "_FEW"):
        monkeypatch.setattr(pipe_raw, name, 1 << 14)
    command = "dd if=/dev/zero of=/dev/null bs=1 count=4000 status=none"
    with Session() as session:
        session.add("vfs_read")
        events = 0
        for batch in session.stream(command=command):
            events += len(batch)
            time.sleep(0.3)
        assert session.unread > 0 and session.lost == 0
        assert events + session.unread >= 4000
    assert sessions(tracing) == []


def test_a_command_that_does_not_want_to_end(ktrace: Callable, tracing: Path) -> None:
    stubborn = """sh -c 'trap : TERM INT; while :; do sleep 1; done'"""
    outcome = ktrace("trace", "vfs_mkdir", "-d", "0.5", "-c", stubborn, status=None)
    assert outcome.status == 128 + 9 and "0 events in" in outcome.err and sessions(tracing) == []


def test_a_recording_ends_whole(ktrace: Callable, reads: int, tracing: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "a.dat")
    said = ktrace("record", "-o", path, "vfs_read", "-p", str(reads), "-d", "1").err
    events = int(said.split(" events")[0].rsplit(None, 1)[-1])
    assert f"{events} events" in ktrace("report", path).err and sessions(tracing) == []
