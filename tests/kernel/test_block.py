"""`ktrace latency A B --on`: block requests of a device that takes a known time for each."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.kernel.loading import null_disk
from tests.kernel.test_latency import HISTS, timing

DISK = Path("/dev/nullb0")
TAKES_NS = 20_000_000
READS = 12


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    """A disk that completes each request by a timer."""
    with null_disk(f"queue_mode=2 irqmode=2 completion_nsec={TAKES_NS}") as path:
        yield path


def ready(tracing: Path) -> bool:
    """Return whether the histogram of the last event exists, which a run sets up last."""
    for trigger in (tracing / "instances").glob("ktrace_*/events/block/block_rq_complete/trigger"):
        with suppress(OSError):
            if "onmatch" in trigger.read_text():
                return timing(tracing)
    return False


def test_each_request_takes_what_the_disk_takes(
    disk: Path, start: Callable, armed: Callable, tracing: Path
) -> None:
    run = start(
        "latency", "block:block_rq_issue", "block:block_rq_complete", "--on", "dev,sector", "--json",
        "--linear", f"0:1s:{TAKES_NS}", "--by", "nr_sector", "--above", "15ms",
    )  # fmt: skip
    # Apart: an interrupt that comes while ktrace runs would count as ktrace's, and not be seen.
    os.sched_setaffinity(run.pid, {1})
    run.until(lambda: ready(tracing) if HISTS else armed())
    dd = ["dd", f"if={disk}", "of=/dev/null", "bs=8192", f"count={READS}", "iflag=direct", "status=none"]
    subprocess.run(["taskset", "-c", "0", *dd], check=True)
    run.settle()
    run.signal(signal.SIGINT)
    outcome = run.wait()
    rows = {
        r["key"]["latency"]["low"]: r["count"] for r in outcome.records("row") if r["key"]["nr_sector"] == 16
    }
    assert sum(rows.values()) == READS and min(rows) >= TAKES_NS, rows
    slow = outcome.records("slow")
    assert len(slow) >= READS and all(s["latency_ns"] >= TAKES_NS for s in slow)
    (answer,) = outcome.records("answer")
    assert answer["dropped"] == answer["missed"] == answer["lost"] == answer["untimed"] == 0
