"""`ktrace hist`: the same as NumPy makes of the raw events of the same run."""

import signal
import subprocess
from collections import Counter
from collections.abc import Callable

import pytest

from ktrace.aggregate.columns import log2_of
from ktrace.aggregate.keys import Linear
from ktrace.model.tally import Range

SIZES = [1, 2, 3, 4, 5, 9, 100, 777, 1023, 1024, 1025, 65537]
ONLY_DD = 'comm == "dd"'


def distribution(outcome) -> Counter:
    found: Counter = Counter()
    for row in outcome.records("row"):
        value = list(row["key"].values())[-1]
        found[Range(value["low"], value["high"])] += row["count"]
    return found


@pytest.mark.parametrize("linear", [None, "5:1000:10"])
def test_it_is_numpys_over_the_raw_events_of_the_same_run(
    start: Callable, ktrace: Callable, armed: Callable, linear: str | None
) -> None:
    """Two at once: one counts, the other records; both see the same calls of the same programs."""
    steps = ["--linear", linear] if linear else []
    raw = start("trace", "vfs_read", "count", "--json", "--filter", ONLY_DD)
    raw.until(armed)
    reads = "; ".join(f"dd if=/dev/zero of=/dev/null bs={n} count=7 status=none" for n in SIZES)
    outcome = ktrace(
        "hist", "vfs_read", "count", *steps, "--json", "--filter", ONLY_DD, "-c", f"sh -c '{reads}'"
    )
    subprocess.run(["sleep", "0.3"], check=True)
    raw.signal(signal.SIGINT)
    values = [event["args"]["count"] for event in raw.wait().records("event")]
    assert all(values.count(size) >= 7 for size in SIZES)
    place = Linear.parse(linear).place if linear else log2_of
    assert distribution(outcome) == Counter(map(place, values))


def test_errors_are_by_themselves_and_sums_add_up(ktrace: Callable) -> None:
    outcome = ktrace(
        "hist", "-r", "vfs_read", "$retval", "--sum", "$retval", "--json",
        "-c", "sh -c 'cat /proc 2>/dev/null; dd if=/dev/zero of=/dev/null bs=5000 count=40 status=none'",
    )  # fmt: skip
    rows = {(r["key"]["$retval"]["low"], r["key"]["$retval"]["high"]): r for r in outcome.records("row")}
    assert rows[(-21, -21)]["count"] == 1 and rows[(-21, -21)]["sums"] == {"$retval": -21}
    assert rows[(4097, 8192)]["count"] >= 40 and rows[(4097, 8192)]["sums"]["$retval"] >= 200_000


def test_text_by_text(ktrace: Callable) -> None:
    outcome = ktrace("hist", "vfs_read", "file:path", "--by", "pid", "-c", "cat /etc/passwd")
    assert "passwd" in outcome.out and "pid " in outcome.out and "█" in outcome.out


def test_what_is_no_field_and_no_number(ktrace: Callable) -> None:
    ktrace("hist", "sched:sched_switch", "nosuch", "-d", "0.1", status=4)
    ktrace("hist", "sched:sched_switch", "next_comm", "--linear", "0:9:1", "-d", "0.1", status=2)
    assert "MIN:MAX:STEP" in ktrace("hist", "a", "b", "--linear", "0:9", status=2).err
