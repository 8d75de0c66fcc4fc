"""Numbers that no kernel prints, in every column of every kind of text."""

import pytest

from ktrace.texts.records import TIME_END, Task
from tests.unit.texts.reading import rows

GOOD = {
    "perf-script": b"sh  7/7 [000] 1.000001: sched:sched_stat_wait: comm=sh pid=7 delay=1 [ns]\n",
    "perf-trace": b"     1.000 ( 0.001 ms): sh/7 close(fd: 3)  = 0\n",
    "graph": b"    1.000001 |   0)    sh-7    |   0.500 us    |  vfs_read();\n",
    "graph-without-times": b" 0)   0.500 us    |  vfs_read();\n",
}
BIG = {
    "perf-script": [
        b"sh  4294967295 [000] 1.000001: sched:sched_stat_wait: comm=sh pid=7 delay=1 [ns]\n",
        b"sh  7/2147483648 [000] 1.000001: sched:sched_stat_wait: comm=sh pid=7 delay=1 [ns]\n",
        b"sh  -4294967295 [000] 1.000001: kp: (vfs_read+0x4/0x370) n=1\n",
        b"sh  7/7 [000] 99999999999.000001: cycles: \n",
    ],
    "perf-trace": [
        b"     1.000 ( 0.001 ms): sh/4294967295 close(fd: 3)  = 0\n",
        b"999999999999.000 (999999999999.000 ms): sh/4294967295 close(fd: 3)  = 0\n",
    ],
    "graph": [
        b"    1.000001 |   0)    sh-4294967295    |   0.500 us    |  vfs_read();\n",
        b"999999999999.000001 |   0)    sh-7    |   0.500 us    |  vfs_read();\n",
        b" 0)  sh-7  =>  cat-4294967295\n",
        b"999999999999.000001 |   0)    sh-7    |               |  /* sched_wakeup: comm=sh */\n",
    ],
    "graph-without-times": [b" 0)  999999999999999 us    |  vfs_read();\n" * 5],  # one after the other
}


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in BIG.items() for line in lines])
def test_a_line_with_a_number_that_is_too_large_is_not_understood(kind, line):
    found, reader = rows(GOOD[kind] * 3 + line + GOOD[kind] * 3)
    assert reader.unparsed == 1
    records = [row for row in found if "event" in row]
    assert {row["pid"] for row in records} == {-1 if kind == "graph-without-times" else 7}
    assert all(0 <= row["ts"] < TIME_END for row in records)
    assert len(records) >= len(rows(GOOD[kind] * 6)[0])


def test_what_fits():
    assert Task(b"", 2**31 - 1, 0, TIME_END - 1, -1).fits
    assert not Task(b"", 2**31, 0, 0).fits
    assert not Task(b"", -(2**31) - 1, 0, 0).fits
    assert not Task(b"", 0, 0, TIME_END).fits
    assert not Task(b"", 0, 0, 0, 2**31).fits
