"""Fields by their names: `trace-cmd report -R`, the kernel's option fields."""

import pytest

from ktrace.texts.named_fields import named_fields
from tests.unit.texts.reading import fields

KERNEL = b"            bash-1178    [009] d..2.  1000.021204: "
TRACE_CMD = b"            bash-1178  [009]  1000.021204: "


@pytest.mark.parametrize(
    ("line", "want"),
    [
        (TRACE_CMD + b"sys_enter_read:        nr=0 fd=0x3 buf=0x7ffe", {"nr": 0, "fd": 3, "buf": 0x7FFE}),
        (TRACE_CMD + b"sys_exit_read:         nr=0 ret=-11", {"nr": 0, "ret": -11}),
        (TRACE_CMD + b"sched_switch:          prev_comm=a b prev_pid=1 prev_prio=120 prev_state=0x1 "
         b"next_comm=c next_pid=0 next_prio=120",
         {"prev_comm": "a b", "prev_pid": 1, "prev_prio": 120, "prev_state": 1, "next_comm": "c",
          "next_pid": 0, "next_prio": 120}),
        (KERNEL + b"sched_waking: target_cpu=0x1 (1) prio=0x78 (120) pid=0x4a (74) comm=my prog",
         {"target_cpu": 1, "prio": 120, "pid": 74, "comm": "my prog"}),
        (KERNEL + b"odd: a=0x78 (120) b=0xffffffffffffffff (-1)", {"a": 120, "b": -1}),
        # Whether this is decimal is not said.
        (KERNEL + b"odd: a=78", {"body": "a=78"}),
        (KERNEL + b"task_newtask: clone_flags=1200000 pid=1 oom_score_adj=0 comm=a",
         {"body": "clone_flags=1200000 pid=1 oom_score_adj=0 comm=a"}),
        # A part of the fields.
        (KERNEL + b"sched_switch: prev_comm=bash", {"body": "prev_comm=bash"}),
        # A name with a field in it.
        (KERNEL + b"sched_waking: comm=a b=5 pid=0x1 (1)", {"body": "comm=a b=5 pid=0x1 (1)"}),
        (KERNEL + b"sched_waking: comm=a pid=5 pid=0x1 (1)", {"body": "comm=a pid=5 pid=0x1 (1)"}),
    ],
)  # fmt: skip
def test_lines(line, want):
    assert fields(line + b"\n") == [want]


@pytest.mark.parametrize("text", ["", "x a=1", "a=1 b=", "a=1, b=2"])
def test_other_texts(text):
    assert named_fields(text, {}) is None
