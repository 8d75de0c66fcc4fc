import errno
import os
import resource
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

import pytest

from ktrace.capture import record as module
from ktrace.capture.record import Progress, default_buffer_kb, record
from ktrace.capture.request import TraceRequest
from ktrace.errors import Interrupted, KtraceError, OutOfTime, UsageError
from ktrace.resolve.targets import Targets
from ktrace.session.run_context import RunContext
from ktrace.session.signals import StopSignals
from ktrace.tracedat.reader import TraceDat
from ktrace.tracefs.stats import CpuStats
from tests.unit.session.ourselves import Ourselves
from tests.unit.tracedat.build import HEADER_EVENT, HEADER_PAGE, PAGE, page
from tests.unit.tracefs.scripted import Scripted

STATS = "entries: 0\noverrun: {}\ncommit overrun: 0\ndropped events: 0\nread events: {}\n"


@dataclass
class Session(Ourselves):
    """A stand-in for a session, with what `record` needs and a pipe for each CPU in place of its raw pipe."""

    files: Scripted
    during: dict[int, bytes] = field(default_factory=dict)
    rest: dict[int, bytes] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
    refusal: BaseException | None = None
    stopped: int = 0
    closed: int = 0
    buffer_kb: int | None = None
    woken_at: int = 0

    @property
    def tracing(self) -> Scripted:
        return self.files

    def add_probe(self, probe: object, _move: object) -> None:
        raise AssertionError(probe)  # these runs make no probes

    def trace_event(self, event: str, *, stack: bool = False) -> None:
        self.events.append(event)

    def stats(self) -> list[CpuStats]:
        return [CpuStats(0, 0, 5, 0, 0, 30), CpuStats(1, 2, 0, 0, 1, 4)]

    def wake_at(self, percent: int) -> None:
        self.woken_at = percent

    def arm(self) -> None:
        if self.refusal is not None:
            raise self.refusal
        for cpu, data in self.during.items():
            os.write(self.ends[cpu], data)

    def stop(self) -> None:
        self.stopped += 1
        for cpu, data in self.rest.items():
            os.write(self.ends[cpu], data)
        self.rest = {}

    def saved_names(self) -> str:
        return "7 my prog\n"

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    files = Scripted(
        tmp_path / "tracing",
        {
            "kprobe_profile": "",
            "trace_clock": "local [mono]",
            "trace": "# tracer: nop\n#  / _-=> migrate-disable\n",
            "events/header_page": HEADER_PAGE,
            "events/header_event": HEADER_EVENT,
            "events/ftrace/print/format": "name: print\nID: 5\nformat:\n",
            "events/g/kp/format": "name: kp\nID: 300\nformat:\n",
            "per_cpu/cpu0/stats": STATS.format(5, 30),
            "per_cpu/cpu1/stats": STATS.format(1, 4),
        },
    )
    made = Session(files)
    kept = []
    for cpu in (0, 1):
        path = f"{files.root}/per_cpu/cpu{cpu}/trace_pipe_raw"
        os.mkfifo(path)
        kept.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        made.ends[cpu] = os.open(path, os.O_WRONLY)
    monkeypatch.setattr(module, "save_contents", _without_symbols(module.save_contents))
    yield made
    for fd in (*kept, *made.ends.values()):
        os.close(fd)


def _without_symbols(real):
    from dataclasses import replace

    return lambda *given: replace(real(*given), kallsyms=b"")


REQUEST = TraceRequest(Targets({"g/kp": None}, ()))


def run(session: Session, path: Path, duration_s: float | None = 0.3, **options):
    with StopSignals() as stop:
        return record(RunContext(session, stop, print, duration_s=duration_s), REQUEST, str(path), **options)


def pages_of(path: Path) -> dict[int, bytes]:
    with TraceDat(str(path)) as file:
        (buffer,) = file.contents.buffers
        return {data.cpu: b"".join(file.windows(buffer, data)) for data in buffer.cpus}


def test_what_comes_and_the_rest(session: Session, tmp_path: Path) -> None:
    session.during = {0: page(1) + page(2), 1: page(3)}
    session.rest = {0: page(4)}
    path = tmp_path / "a.dat"
    path.write_text("what was there before")
    done = run(session, path)
    assert pages_of(path) == {0: page(1) + page(2) + page(4), 1: page(3)}
    assert (done.events, done.outcome.lost, done.outcome.unread, done.disk_full) == (34, 6, 0, False)
    assert session.closed, "the probes go before much is put in order"
    assert done.outcome.seconds >= 0.3 and done.size == path.stat().st_size
    with TraceDat(str(path)) as file:
        contents = file.contents
    assert contents.options.clock == "mono" and contents.cmdlines.startswith(b"7 my prog\n")
    assert contents.options.cpu_stats[0] == "CPU: 0\n" + STATS.format(5, 30)
    assert contents.event_formats == (("g", "name: kp\nID: 300\nformat:\n"),)
    assert contents.page_size == PAGE and contents.options.trace_id
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("a.dat")] == ["a.dat"]


def test_a_kernel_with_fewer_flags_is_remembered(session: Session, tmp_path: Path) -> None:
    for text, wanted in (("# ||| / _--=> preempt-depth", True), ("# / _-=> migrate-disable", False)):
        session.files.put("trace", text)
        run(session, tmp_path / "a.dat")
        with TraceDat(str(tmp_path / "a.dat")) as file:
            assert file.contents.options.written_by.partition(", clocks")[0].endswith(", 4 flags") is wanted


def test_how_a_kernel_prints_system_calls_is_remembered(session: Session, tmp_path: Path) -> None:
    for declared, wanted in (("char * filename", False), ("__data_loc char[] __filename_val", True)):
        session.files.put("events/syscalls/sys_enter_openat/format", f"\tfield:{declared};\toffset:8;\n")
        run(session, tmp_path / "a.dat")
        with TraceDat(str(tmp_path / "a.dat")) as file:
            assert (
                file.contents.options.written_by.partition(", clocks")[0].endswith(", texts of calls")
                is wanted
            )


def test_small_buffers_wake_earlier(session: Session, tmp_path: Path) -> None:
    run(session, tmp_path / "a.dat")
    before = session.woken_at
    session.buffer_kb = 64
    run(session, tmp_path / "a.dat")
    assert 0 < session.woken_at < before


def test_a_size(session: Session, tmp_path: Path) -> None:
    session.during = {0: page(1) * 3}
    began = time.monotonic()
    run(session, tmp_path / "a.dat", None, max_size=2 * PAGE)
    assert time.monotonic() - began < 30 and session.stopped == 1


def test_progress(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session.during = {0: page(1)}
    seen: list[Progress] = []

    def told(progress: Progress) -> None:
        seen.append(progress)
        if progress.size:  # the pages may come after the first look
            os.kill(os.getpid(), signal.SIGTERM)

    run(session, tmp_path / "a.dat", None, progress=told)
    assert (seen[-1].events, seen[-1].lost, seen[-1].size) == (36, 6, PAGE)


def test_a_full_disk(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.splice
    left = [1]

    def full(source: int, to: int, count: int, **options: int) -> int:
        if not options and left[0]:
            left[0] -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(source, to, count, **options)

    monkeypatch.setattr(os, "splice", full)
    session.during = {0: page(1) + page(2)}
    path = tmp_path / "a.dat"
    done = run(session, path, None)
    assert done.disk_full and session.stopped >= 1 and pages_of(path)[0] == page(1) + page(2)


def test_what_is_refused_leaves_nothing(session: Session, tmp_path: Path) -> None:
    session.refusal = KtraceError("no")
    with pytest.raises(KtraceError, match="no"):
        run(session, tmp_path / "a.dat")
    assert not list(tmp_path.glob("a.dat.*"))


def test_a_signal_before_anything_was_armed(session: Session, tmp_path: Path) -> None:
    with StopSignals() as stop:
        os.kill(os.getpid(), 15)
        with pytest.raises(Interrupted):
            record(RunContext(session, stop, print), REQUEST, str(tmp_path / "a.dat"))
    assert not list(tmp_path.glob("a.dat.*"))


def test_files_that_cannot_be(session: Session, tmp_path: Path) -> None:
    with pytest.raises(KtraceError, match="not a regular file"):
        run(session, tmp_path)
    with pytest.raises(KtraceError, match=r"no/a\.dat cannot be written: No such file"):
        run(session, tmp_path / "no" / "a.dat")
    with pytest.raises(UsageError, match="standard output"):
        run(session, Path("-"))
    os.mkfifo(tmp_path / "fifo")  # nobody reads it, and nobody waits for a reader
    for name in (tmp_path / "fifo", "/dev/null", "/dev/stdout"):
        with pytest.raises(KtraceError, match="not a regular file"):
            run(session, Path(name))


@pytest.mark.parametrize("allowed", [0, 100, 1 << 20])
def test_no_room_at_the_start(session: Session, tmp_path: Path, allowed: int) -> None:
    """The existing file stays, and no other file is left."""
    path = tmp_path / "a.dat"
    path.write_text("an earlier recording")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (allowed, old[1]))
    try:
        with pytest.raises(KtraceError) as error:
            run(session, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, ignored)
    assert error.value.message == f"{path} cannot be written: File too large"
    assert path.read_text() == "an earlier recording"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.dat", "tracing"]


def test_what_somebody_else_puts_there_meanwhile(session: Session, tmp_path: Path) -> None:
    """A link is followed, whatever it is called, and the recording continues."""
    path, victim = tmp_path / "a.dat", tmp_path / "victim"
    victim.write_text("theirs, longer than a page is" * 1000)
    before = victim.read_bytes()
    session.during = {0: page(1), 1: page(3)}
    arm = session.arm

    def plant() -> None:
        for name in ("cpu7", "cpu1", "cmdlines.new", "new", "room"):
            with suppress(FileExistsError):
                Path(f"{path}.{name}").symlink_to(victim)
        arm()

    session.arm = plant
    # Long enough for names to be saved once.
    run(session, path, 2.5)
    assert victim.read_bytes() == before and pages_of(path)[0] == page(1) and pages_of(path)[1] == page(3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.dat", "tracing", "victim"]


def test_pages_that_cannot_be_put_in_order_stay(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.dat"
    path.write_text("an earlier recording")
    session.during = {0: page(1)}

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module.unfinished, "_move_backwards", refuse)
    with pytest.raises(KtraceError, match="Input/output error: its pages stay") as error:
        run(session, path)
    assert error.value.hint == f"ktrace report --recover {path}"
    assert path.read_text() == "an earlier recording"
    with TraceDat(str(path), recover=True) as file:
        (buffer,) = file.contents.buffers
        assert b"".join(file.windows(buffer, buffer.cpus[0])) == page(1)


def test_a_link_stays_a_link(session: Session, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link, real = tmp_path / "a.dat", tmp_path / "folder" / "b.dat"
    link.symlink_to(real)
    run(session, link)
    assert link.is_symlink() and pages_of(real) == {0: b"", 1: b""}


def test_the_default_buffer() -> None:
    assert default_buffer_kb(2, 16 << 20) == 4096
    assert default_buffer_kb(256, 16 << 20) == 2048 and default_buffer_kb(256, 1 << 20) == 128


def test_what_there_is_no_time_for_stays_and_is_counted(session: Session, tmp_path: Path) -> None:
    session.during = {0: page(1)}
    session.rest = {0: page(4)}
    path = tmp_path / "a.dat"
    with StopSignals() as stop:
        stop.end()
        while not stop.overdue:
            time.sleep(0.02)
        done = module.record(RunContext(session, stop, print, duration_s=0.05), REQUEST, str(path))
    assert (done.outcome.unread, done.disk_full) == (2, False) and path.exists()


def test_a_second_signal_leaves_pages_beside_the_file(session: Session, tmp_path: Path, monkeypatch) -> None:
    session.during = {0: page(1)}
    path = tmp_path / "a.dat"
    with StopSignals() as stop:
        monkeypatch.setattr(StopSignals, "insisted", property(lambda _: True))
        with pytest.raises(KtraceError, match="its pages stay in files next to it") as caught:
            module.record(RunContext(session, stop, print, duration_s=0.05), REQUEST, str(path))
    assert caught.value.hint == f"ktrace report --recover {path}" and session.closed
    assert Path(f"{path}.cpu0").stat().st_size == len(page(1))


@pytest.mark.parametrize("error", [OutOfTime(0), OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("what", ["note", "progress"])
def test_what_nobody_takes_does_not_keep_it_from_being_put_in_order(
    session: Session, tmp_path: Path, monkeypatch, what: str, error: Exception
) -> None:
    session.during = {0: page(1)}
    path = tmp_path / "a.dat"
    stuck = []

    def blocked(text: object) -> None:
        stuck.append(text)
        if what == "progress" and len(stuck) == 1:
            signal.raise_signal(signal.SIGINT)
        raise error

    monkeypatch.setattr(module, "_MUCH", 0)
    with StopSignals() as stop:
        note, progress, seconds = (blocked, None, 0.05) if what == "note" else (print, blocked, 600)
        record(RunContext(session, stop, note, duration_s=seconds), REQUEST, str(path), progress=progress)
    assert stuck and pages_of(path)[0] == page(1) and not list(tmp_path.glob("a.dat.*"))


def test_time_ends_it_though_nobody_takes_its_progress(session: Session, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("KTRACE_GRACE", "0.5")
    session.during = {0: page(1)}
    path = tmp_path / "a.dat"
    rescue = Timer(30, os.kill, (os.getpid(), signal.SIGTERM))
    rescue.start()
    with StopSignals() as stop:

        def stuck(_progress: Progress) -> None:
            with stop.may_interrupt():
                time.sleep(3600)

        record(RunContext(session, stop, print, duration_s=1.0), REQUEST, str(path), progress=stuck)
        assert stop.received is None
    rescue.cancel()
    assert pages_of(path)[0] == page(1)
