"""The plan of three histograms."""

import pytest

from ktrace.aggregate.latency import Carried, Latency, function_filter
from ktrace.errors import UsageError
from ktrace.model.format import Field

COUNT = Carried("count", Field("count", "u64", 16, 8, False), True)
COMM = Carried("comm", Field("ktrace_comm", "char", 16, 4, True, "data_loc"), False)
DEV = Carried("dev", Field("dev", "dev_t", 8, 4, False), True)
PLAN = Latency(
    "ktrace_7_8_lat", "g/e", "g/r", (("common_pid",), ("common_pid",)), (COUNT, COMM, DEV),
    filters=function_filter("count > 3"),
)  # fmt: skip


def test_the_event_has_the_time_and_what_is_carried() -> None:
    step = PLAN.define_step()
    assert step.text == "s:ktrace_7_8_lat u64 lat; u64 v0; char v1[]; u32 v2"
    assert step.undo is not None and step.undo.text == "-:synthetic/ktrace_7_8_lat"


def test_the_first_remembers_and_the_second_takes() -> None:
    assert PLAN.first_hist().to_text() == (
        "hist:keys=common_pid:ts0=common_timestamp,a0=count,a2=dev:size=8192:clock=mono"
        " if (count > 3) && (common_pid != 0)"
    )
    assert PLAN.second_hist().to_text() == (
        "hist:keys=common_pid:taken=common_timestamp-$ts0,v0=$a0,v1=ktrace_comm,v2=$a2:size=8192:clock=mono"
        ":onmatch(g.e).trace(ktrace_7_8_lat,$taken,$v0,$v1,$v2) if common_pid != 0"
    )


def test_where_the_event_has_what_is_carried() -> None:
    assert PLAN.field_of("comm") == "v1" and PLAN.field_of("nosuch") is None
    assert PLAN.event == "synthetic/ktrace_7_8_lat"


def test_more_than_the_kernel_carries() -> None:
    with pytest.raises(UsageError, match="15 values"):
        Latency("n", "g/e", "g/r", (("a",), ("a",)), (COUNT,) * 16).checked()
