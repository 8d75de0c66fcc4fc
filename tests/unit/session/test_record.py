import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ktrace.errors import Interrupted, KtraceError, UsageError
from ktrace.session import record as module
from ktrace.session.record import Progress, default_buffer_kb, parse_size, record
from ktrace.session.request import Request
from ktrace.session.signals import StopSignals
from ktrace.session.target import Targets
from ktrace.tracedat.reader import TraceDat
from ktrace.tracefs.stats import CpuStats
from tests.unit.session.ourselves import Ourselves
from tests.unit.tracedat.build import HEADER_EVENT, HEADER_PAGE, PAGE, page
from tests.unit.tracefs.scripted import Scripted

STATS = "entries: 0\noverrun: {}\ncommit overrun: 0\ndropped events: 0\nread events: {}\n"


@dataclass
class Session(Ourselves):
    """What `record` asks of a session, with a pipe for each CPU in place of its raw pipe."""

    files: Scripted
    during: dict[int, bytes] = field(default_factory=dict)
    rest: dict[int, bytes] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
    refusal: BaseException | None = None
    stopped: int = 0
    buffer_kb: int | None = None
    woken_at: int = 0

    @property
    def tracing(self) -> Scripted:
        return self.files

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

    return lambda session, cpus: replace(real(session, cpus), kallsyms=b"")


def run(session: Session, path: Path, request: Request | None = None, **options):
    with StopSignals() as stop:
        return record(session, request or Request(Targets(("g/kp",), ()), duration_s=0.3), str(path), stop,
                      note=print, **options)  # fmt: skip


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
    assert (done.events, done.lost, done.unsaved, done.disk_full) == (34, 6, 2, False)
    assert 0.3 <= done.seconds < 5 and done.size == path.stat().st_size
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
            assert file.contents.options.written_by.endswith(", 4 flags") is wanted


def test_how_a_kernel_prints_system_calls_is_remembered(session: Session, tmp_path: Path) -> None:
    for declared, wanted in (("char * filename", False), ("__data_loc char[] __filename_val", True)):
        session.files.put("events/syscalls/sys_enter_openat/format", f"\tfield:{declared};\toffset:8;\n")
        run(session, tmp_path / "a.dat")
        with TraceDat(str(tmp_path / "a.dat")) as file:
            assert file.contents.options.written_by.endswith(", texts of calls") is wanted


def test_small_buffers_wake_earlier(session: Session, tmp_path: Path) -> None:
    run(session, tmp_path / "a.dat")
    before = session.woken_at
    session.buffer_kb = 64
    run(session, tmp_path / "a.dat")
    assert 0 < session.woken_at < before


def test_a_size(session: Session, tmp_path: Path) -> None:
    session.during = {0: page(1) * 3}
    began = time.monotonic()
    run(session, tmp_path / "a.dat", Request(Targets(("g/kp",), ())), max_size=2 * PAGE)
    assert time.monotonic() - began < 30 and session.stopped == 1


def test_progress(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session.during = {0: page(1)}
    seen: list[Progress] = []
    # Longer than from one look to the next: the pages may come after the first.
    request = Request(Targets(("g/kp",), ()), duration_s=1)
    run(session, tmp_path / "a.dat", request, progress=seen.append)
    assert seen and (seen[-1].events, seen[-1].lost, seen[-1].size) == (36, 6, PAGE)


def test_a_full_disk(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

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
    done = run(session, path, Request(Targets(("g/kp",), ())))
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
            record(session, Request(Targets(("g/kp",), ())), str(tmp_path / "a.dat"), stop, note=print)
    assert not list(tmp_path.glob("a.dat.*"))


def test_files_that_cannot_be(session: Session, tmp_path: Path) -> None:
    with pytest.raises(KtraceError, match="no regular file"):
        run(session, tmp_path)
    with pytest.raises(OSError, match="No such file"):
        run(session, tmp_path / "no" / "a.dat")


def test_a_link_stays_a_link(session: Session, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link, real = tmp_path / "a.dat", tmp_path / "folder" / "b.dat"
    link.symlink_to(real)
    run(session, link)
    assert link.is_symlink() and pages_of(real) == {0: b"", 1: b""}


def test_sizes() -> None:
    assert parse_size("1K") == 1024 and parse_size("1.5MiB") == 3 << 19 and parse_size("2g") == 2 << 30
    for text in ("", "x", "0", "-1", "1Q", "K"):
        with pytest.raises(UsageError):
            parse_size(text)
    assert default_buffer_kb(2, 16 << 20) == 4096
    assert default_buffer_kb(256, 16 << 20) == 2048 and default_buffer_kb(256, 1 << 20) == 128
