"""Values that were read of the tasks of events, as arguments of handlers."""

from dataclasses import replace

import numpy as np

from ktrace.script.runtime.columns import Columns
from ktrace.script.runtime.events import own_values
from tests.unit.script.scripts import events


def test_the_task_of_the_cpu_that_made_the_record() -> None:
    read = {
        "f0_cpu0": [1, 2, 3],
        "f0_cpu3": [10, 20, 30],
        "f1_cpu0": ["a", "b", "c"],
        "f1_cpu3": ["x", "y", None],
    }
    batch = Columns(replace(events("f", read), cpu=np.array([0, 3, 3], np.int32)))
    assert own_values(batch, ["f0_cpu"]) == [1, 20, 30]
    assert own_values(batch, ["f1_cpu"]) == ["a", "y", ""]
    assert own_values(batch, ["f0_cpu", "f1_cpu"]) == [(1, "a"), (20, "y"), (30, "")]


def test_what_is_after_a_null_pointer() -> None:
    """The kernel leaves there what the buffer held before."""
    batch = Columns(events("f", {"f0": [0, 64], "f1": [5, 6], "f2": [7, 8]}))
    assert own_values(batch, ["f0", "f1"], may_be_null=True) == [0, 6]
    assert own_values(batch, ["f0", "f1", "f2"], may_be_null=True) == [(0, 0), (6, 8)]


def test_a_cpu_that_the_probe_did_not_read() -> None:
    read = {"f0_cpu0": [1, 2], "f1": [5, 6]}
    batch = Columns(replace(events("f", read), cpu=np.array([0, 4], np.int32)))
    assert own_values(batch, ["f0_cpu"]) == [1, None]
    assert own_values(batch, ["f0_cpu", "f1"]) == [(1, 5), None]
