"""`--start-on`, `--stop-on`, `--snapshot-on`: the kernel decides at the hit what is recorded."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROBE = ("vfs_read", "n=%dx:u64")
SIZES = "for n in 11 11 777 777 22; do dd if=/dev/zero of=/dev/null bs=$n count=1 status=none; done"


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A command that reads by 11, 11, 777, 777, 22."""
    path = tmp_path_factory.mktemp("sizes") / "sizes.sh"
    path.write_text(SIZES + "\n")
    return f"sh {path}"


def read_sizes(outcome) -> list[int]:
    return [n for e in outcome.records("event") if (n := e["args"]["n"]) in (11, 777, 22)]


def test_stopped_at_the_first_such_hit(ktrace: Callable, sizes: str) -> None:
    outcome = ktrace("trace", *PROBE, "--json", "--stop-on", "n == 777", "-c", sizes, status=None)
    assert read_sizes(outcome) == [11, 11, 777]
    assert outcome.records("event")[-1]["args"] == {"n": 777}


def test_a_snapshot_shows_what_led_up_to_it(ktrace: Callable, sizes: str) -> None:
    outcome = ktrace("trace", *PROBE, "--json", "--snapshot-on", "n == 777", "-c", sizes, status=None)
    assert read_sizes(outcome) == [11, 11, 777]
    assert outcome.records("event")[-1]["args"] == {"n": 777}


def test_begun_at_an_event(ktrace: Callable, sizes: str) -> None:
    start = "vfs_read if n == 777"
    outcome = ktrace("trace", *PROBE, "--json", "--start-on", start, "-c", sizes)
    assert read_sizes(outcome)[-1] == 22 and 11 not in read_sizes(outcome)


def test_conditions_that_cannot_be(ktrace: Callable) -> None:
    err = ktrace("trace", *PROBE, "--stop-on", "m == 777", "-c", "true", status=3).err
    assert "m == 777" in err
    assert "no event 'nope'" in ktrace("trace", *PROBE, "--start-on", "nope", "-c", "true", status=4).err
    err = ktrace("trace", *PROBE, "--snapshot-on", "n == 1 && n == 2", "-d", "0.2").err
    assert "no hit passed the filter" in err


@pytest.fixture
def probe(foreign: Callable, tracing: Path, write: Callable) -> Iterator[Path]:
    """The trigger file of a probe of somebody's; whatever is in it is taken off at the end."""
    foreign("p:other/rd vfs_read n=%dx:u64")
    path = tracing / "events/other/rd/trigger"
    yield path
    for kind in ("stacktrace", "snapshot", "traceoff"):
        write(path, f"!{kind}")


def triggers(path: Path) -> list[str]:
    return sorted(line for line in path.read_text().splitlines() if not line.startswith("#"))


def test_in_the_top_buffer_what_is_there_is_left_alone(
    ktrace: Callable, probe: Path, tracing: Path, write: Callable
) -> None:
    stop = ("--stop-on", "n == 123456789")
    ktrace("enable", "rd", "--stack", *stop)
    assert triggers(probe) == ["stacktrace:unlimited", "traceoff:unlimited if n == 123456789"]
    ktrace("enable", "rd", *stop)  # the very same
    err = ktrace("enable", "rd", "--snapshot-on", "n == 123456789", "--stop-on", "n == 5", status=6).err
    assert "traceoff:unlimited if n == 123456789" in err
    assert triggers(probe) == ["stacktrace:unlimited", "traceoff:unlimited if n == 123456789"]
    ktrace("disable", "rd", "--triggers")
    assert triggers(probe) == [] and (tracing / "tracing_on").read_text() == "1\n"


def test_a_snapshot_of_the_top_buffer_is_read_back_as_a_trace(
    ktrace: Callable, probe: Path, tracing: Path, sizes: str
) -> None:
    """It ends with the hit that made it."""
    ktrace("enable", "rd", "--snapshot-on", "n == 777")
    try:
        subprocess.run(sizes.split(), check=True)
    finally:
        ktrace("disable", "rd", "--triggers")
        ktrace("disable", "rd")
    outcome = ktrace("parse", str(tracing / "snapshot"))
    events = outcome.records("event")
    # Two hits, two snapshots: the second has what came between.
    assert events and events[-1]["args"] == {"n": 777} and 22 not in read_sizes(outcome)
    clear(tracing / "trace")
    clear(tracing / "snapshot")


def clear(path: Path) -> None:
    """Empty a buffer that was empty before."""
    os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
