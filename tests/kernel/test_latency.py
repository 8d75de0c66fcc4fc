"""`ktrace latency`: known times, compared with the raw events of the same run; nothing is left."""

import os
import re
import select
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from ktrace.aggregate.latency import Latency
from ktrace.model.batch import Batch, Chunk
from ktrace.session.reader import reading_pages
from ktrace.tracefs.events import enable_step
from tests.kernel.inner_session import InnerSession

from .conftest import Running

HISTS = Path("/sys/kernel/tracing/events/sched/sched_switch/hist").exists()
in_kernel = pytest.mark.skipif(not HISTS, reason="no hist triggers")
SLEEP = "clock_nanosleep"


@pytest.fixture(autouse=True)
def no_synthetic_events_left(tracing: Path):
    path = tracing / "synthetic_events"
    before = path.read_text() if path.exists() else ""
    yield
    assert not path.exists() or path.read_text() == before


def dd(size: int, count: int) -> list[str]:
    return ["dd", "if=/dev/zero", "of=/dev/null", f"bs={size}", f"count={count}", "status=none"]


def ranges(outcome) -> dict[tuple, int]:
    found = {}
    for row in outcome.records("row"):
        *others, value = row["key"].values()
        found[(*others, value["low"], value["high"])] = row["count"]
    return found


def test_a_sleep_is_in_the_range_of_its_time(ktrace: Callable) -> None:
    """A sleep takes as long as it says, and on an emulated machine a little more."""
    outcome = ktrace(
        "latency", SLEEP, "--by", "comm", "--json", "-c", "sh -c 'sleep 0.3; sleep 0.04; sleep 0.3'"
    )
    found = ranges(outcome)
    assert found[("sleep", (1 << 28) + 1, 1 << 29)] == 2, found
    assert sum(found.values()) == 3 and all(low > 33_554_432 for _, low, _ in found)
    (answer,) = outcome.records("answer")
    assert answer["untimed"] == 0 and answer["dropped"] == 0 and answer["missed"] == 0


@in_kernel
def test_it_is_the_difference_of_the_raw_events_of_the_same_run(tracing: Path) -> None:
    """The very events that are timed are recorded, too, with their stamps: equal to the nanosecond."""
    with InnerSession(clock="mono") as session:
        entry = session.add("vfs_read", "n=%dx:u64").probe.event
        end = session.add("vfs_read", at_return=True).probe.event
        key = ("common_pid",)
        plan = Latency(f"{session.name}_lat", entry, end, (key, key), filters=("n == 777", "common_pid != 0"))
        session.apply_global(plan.define_step())
        session.apply(plan.first_hist().step(entry, "begin"))
        session.apply(plan.second_hist().step(end, "end"))
        reading = reading_pages(session, [plan.event])
        pages = session.read_pages(reading.page)
        for event in (entry, end, plan.event):
            session.apply(enable_step(event))
        session.ignore_self()
        session.record()
        subprocess.run(dd(777, 20), check=True)
        session.stop()
        rows = []
        while data := pages.read():
            rows += in_order(reading.decode(data))
        rows += in_order(reading.decoder.finish())
        assert session.lost == 0
    begun: dict[int, int] = {}
    differences, timed = [], []
    for batch, row in rows:
        pid, ts = int(batch.pid[row]), int(batch.ts[row])
        if batch.event == entry.partition("/")[2]:
            begun.pop(pid, None)
            if batch["n"][row] == 777:
                begun[pid] = ts
        elif batch.event == end.partition("/")[2] and pid in begun:
            differences.append(ts - begun.pop(pid))
        elif batch.event == plan.name:
            timed.append(int(batch["lat"][row]))
    assert len(timed) == 20 and timed == differences


def in_order(chunk: Chunk) -> list[tuple[Batch, int]]:
    rows = [(int(b.seq[row]), b, row) for b in chunk.batches for row in range(len(b))]
    return [(batch, row) for _, batch, row in sorted(rows, key=lambda item: item[0])]


def nested_polls(depth: int) -> None:
    """Ask whether an epoll within an epoll within ... is ready: the kernel's function calls itself."""
    inner, out = os.pipe()
    os.write(out, b"x")  # or nobody asks further down
    held: list[object] = []
    for _ in range(depth):
        outer = select.epoll()
        outer.register(inner, select.EPOLLIN)
        held.append(outer)
        inner = outer.fileno()
    select.select([inner], [], [], 0)
    os.close(out)


RECURSIVE = "__ep_eventpoll_poll"


@in_kernel
def test_calls_within_calls(start: Callable, armed: Callable, tracing: Path) -> None:
    """The kernel times the innermost calls and counts the others; streamed, all calls are timed."""
    known = (tracing / "available_filter_functions").read_text().split()
    name = next((name for name in known if name.partition(".")[0] == RECURSIVE), None)
    if name is None:
        pytest.skip("this kernel has inlined what calls itself")
    mine = ["--filter", f"common_pid == {os.getpid()}", "--json"]
    answers = []
    for words, ready in (([], lambda: timing(tracing)), (["--nested"], armed)):
        run = start("latency", name, *mine, *words)
        run.until(ready)
        for _ in range(10):
            nested_polls(3)
        run.settle()
        run.signal(signal.SIGINT)
        answers += run.wait().records("answer")
    counted, streamed = answers
    assert streamed["method"] == "streamed events" and streamed["untimed"] == 0
    # The last question alone is three calls, of which one is the innermost.
    assert counted["untimed"] >= 20 and counted["hits"] >= 10
    assert counted["hits"] + counted["untimed"] == streamed["hits"]


def timing(tracing: Path) -> bool:
    """Return whether the histograms of a session are in place."""
    for path in (tracing / "instances").glob("ktrace_*"):
        with suppress(OSError):  # it may go while we look
            hists = [*path.glob("events/synthetic/ktrace_*/hist")]
            if hists and (path / "tracing_on").read_text().strip() == "1":
                return True
    return False


def test_slow_calls_with_arguments_return_value_and_stack(ktrace: Callable) -> None:
    outcome = ktrace(
        "latency", "vfs_read", "count", "--above", "0", "--json", "--filter", "count == 777",
        "-c", "dd if=/dev/zero of=/dev/null bs=777 count=20 status=none",
    )  # fmt: skip
    slow = outcome.records("slow")
    assert [s["args"] for s in slow] == [{"count": 777, "$retval": 777}] * 20
    assert all(any("ksys_read" in frame for frame in s["frames"]) for s in slow)
    assert not any("event_hist_trigger" in frame for s in slow for frame in s["frames"])
    for (low, high), count in ranges(outcome).items():
        assert sum(low <= s["latency_ns"] <= high for s in slow) == count


def test_text_of_a_slow_call_is_not_taken_for_more_arguments(ktrace: Callable, tmp_path: Path) -> None:
    path = tmp_path / "x, v1=5 v2=6"
    path.write_text("words\n")
    outcome = ktrace(
        "latency", "vfs_read", "count", "name=file:path", "--above", "0", "--json", "--by", "comm",
        "-c", f"cat '{path}'",
    )  # fmt: skip
    mine = [s["args"] for s in outcome.records("slow") if s["args"]["name"].endswith(path.name)]
    assert mine and all(args["count"] > 1000 and args["$retval"] in (0, 6) for args in mine), mine


def test_two_events_by_what_they_share(ktrace: Callable) -> None:
    outcome = ktrace(
        "latency", "raw_syscalls:sys_enter", "raw_syscalls:sys_exit", "--on", "common_pid", "--by", "id",
        "--json", "-c", "sleep 0.3",
    )  # fmt: skip
    slow = {key[0] for key in ranges(outcome) if key[1] > 1 << 28}
    assert 230 in slow  # clock_nanosleep


def test_from_an_event_to_itself(ktrace: Callable) -> None:
    """Time from when a thread is switched out until it is switched in again."""
    outcome = ktrace(
        "latency", "sched:sched_switch", "sched:sched_switch", "--on", "prev_pid=next_pid", "--by",
        "next_comm", "--json", "-d", "3",
    )  # fmt: skip
    assert outcome.records("answer")[0]["hits"] > 0 and len(ranges(outcome)) > 1


def test_calls_without_an_end_are_told(ktrace: Callable) -> None:
    outcome = ktrace(
        "latency", "raw_syscalls:sys_enter", "raw_syscalls:sys_exit", "--on", "common_pid", "--json",
        "-c", "sh -c 'sleep 0.1'",
    )  # fmt: skip
    (answer,) = outcome.records("answer")
    assert answer["untimed"] >= 1  # exit does not return


@in_kernel
@pytest.mark.parametrize("words", [["--filter", "nosuch > 1"], ["--on", "nosuch", "sched:sched_switch"]])
def test_what_is_refused_half_way_leaves_nothing(ktrace: Callable, words: list[str]) -> None:
    first = ["sched:sched_waking"] if "--on" in words else ["vfs_read"]
    outcome = ktrace("latency", *first, *words, "-d", "1", status=None)
    assert outcome.status in (2, 3, 4) and "nosuch" in outcome.err


@in_kernel
def test_what_sigkill_leaves_clean_finds(start: Callable, ktrace: Callable, tracing: Path) -> None:
    run = start("latency", "vfs_read", "--by", "comm")
    run.until(lambda: bool([*(tracing / "instances").glob("ktrace_*/events/synthetic/ktrace_*/hist")]))
    (instance,) = (tracing / "instances").glob("ktrace_*")
    run.until(lambda: (instance / "tracing_on").read_text().strip() == "1")
    run.signal(signal.SIGKILL)
    run.until(lambda: not Path(f"/proc/{run.pid}").exists() or "Z" in state(run.pid))
    with suppress(ChildProcessError):
        os.waitpid(run.pid, 0)
    assert "synthetic" in (tracing / "dynamic_events").read_text()
    ktrace("clean")
    assert not instance.exists()


def state(pid: int) -> str:
    match = re.search(r"State:\t(\w)", Path(f"/proc/{pid}/status").read_text())
    return match[1] if match else "Z"


@in_kernel
def test_ctrl_c_in_the_middle(start: Callable, tracing: Path) -> None:
    run = start("latency", SLEEP)
    run.until(lambda: bool([*(tracing / "instances").glob("ktrace_*/events/synthetic/ktrace_*/hist")]))
    (instance,) = (tracing / "instances").glob("ktrace_*")
    run.until(lambda: (instance / "tracing_on").read_text().strip() == "1")
    subprocess.run(["sleep", "0.05"], check=True)
    run.signal(signal.SIGINT)
    outcome = run.wait()
    assert outcome.status == 0 and "hits in" in outcome.err and " ms" in outcome.out


@in_kernel
def test_an_end_before_its_beginning_is_not_timed(start: Callable[..., Running], tracing: Path) -> None:
    """The second event has an earlier time, as with two CPUs' clocks: the clock changes during a call."""
    running = start("latency", "do_nanosleep", "--json", "--above", "1us")
    naps: list[subprocess.Popen[bytes]] = []

    def begun() -> bool:
        for path in (tracing / "instances").glob("ktrace_*/events/ktrace_*/do_nanosleep*/hist"):
            with suppress(OSError):
                text = path.read_text()
                if text.startswith("# event histogram") and not naps:
                    naps.append(subprocess.Popen(["sleep", "5"]))
                if re.search("Hits: [1-9]", text):
                    return True
        return False

    running.until(begun)
    (instance,) = (tracing / "instances").glob("ktrace_*")
    (instance / "trace_clock").write_text("counter")
    naps[0].wait()
    running.signal(signal.SIGINT)
    done = running.wait()
    assert done.status == 0
    assert all((row["key"]["latency"]["high"] or 0) < 1 << 62 for row in done.records("row"))
    assert all(slow["latency_ns"] < 1 << 62 for slow in done.records("slow"))
    assert done.records("answer")[0]["untimed"] >= 1
