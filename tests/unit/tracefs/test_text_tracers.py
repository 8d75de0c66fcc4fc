"""Lines of tracers, as kernel/trace/trace_output.c and trace_osnoise.c print them."""

import pytest

from tests.unit.texts.reading import rows

HEAD = b"          <idle>-0       [003] d..3.   100.123460: "


@pytest.mark.parametrize(
    ("body", "event", "fields"),
    [
        (b"     0:120:R ==> [003]  2448: 94:R my prog", "context_switch",
         {"prev_pid": 0, "prev_prio": 120, "prev_state": "R", "next_cpu": 3, "next_pid": 2448,
          "next_prio": 94, "next_state": "R", "next_comm": "my prog"}),
        (b"  1234:120:S   + [000]     7:  0:R a", "wakeup",
         {"prev_pid": 1234, "prev_prio": 120, "prev_state": "S", "next_cpu": 0, "next_pid": 7,
          "next_prio": 0, "next_state": "R", "next_comm": "a"}),
        (b"#1     inner/outer(us):   11/12    ts:1581527483.343962693 count:6", "hwlat",
         {"seqnum": 1, "duration": 11, "outer_duration": 12, "tv_sec": 1581527483, "tv_nsec": 343962693,
          "count": 6}),
        (b"#2     inner/outer(us):   16/9     ts:1581527494.000000092 count:1 nmi-total:5 nmi-count:2",
         "hwlat",
         {"seqnum": 2, "duration": 16, "outer_duration": 9, "tv_sec": 1581527494, "tv_nsec": 92, "count": 1,
          "nmi_total_ts": 5, "nmi_count": 2}),
        (b"1000000        190  99.98100       9     18      0   1007     16      1", "osnoise",
         {"runtime": 1000000, "noise": 190, "max_sample": 9, "hw_count": 18, "nmi_count": 0,
          "irq_count": 1007, "softirq_count": 16, "thread_count": 1}),
        (b"#12    context    irq timer_latency       932 ns", "timerlat",
         {"seqnum": 12, "context": "irq", "timer_latency": 932}),
        (b"#1     context user-ret timer_latency     11700 ns", "timerlat",
         {"seqnum": 1, "context": "user-ret", "timer_latency": 11700}),
        (b"vfs_read <-ksys_read (repeats: 12, last_ts:   100.123450)", "func_repeats",
         {"ip": "vfs_read", "parent_ip": "ksys_read", "count": 12}),
        (b"vfs_read+0x0/0x10 <ffffffff81234567> <-f [xfs] <ffffffffc1234567>", "function",
         {"ip": "vfs_read+0x0/0x10", "parent_ip": "f [xfs]"}),
        (b"f [xfs](a=1, b=\"<-x\") <-g", "function",
         {"ip": "f [xfs]", "args": 'a=1, b="<-x"', "parent_ip": "g"}),
        (b"[  ok  ] do_one:fork.c:12", "branch", {"func": "do_one", "file": "fork.c", "line": 12}),
        (b"[  MISS  ] do_one:fork.c:12", "branch", {"func": "do_one", "file": "fork.c", "line": 12}),
    ],
)  # fmt: skip
def test_lines(body, event, fields):
    found, reader = rows(HEAD + body + b"\n")
    assert [(row["event"], row["fields"]) for row in found] == [(event, fields)]
    assert reader.unparsed == 0


@pytest.mark.parametrize("body", [b"#1 context", b"0:120:R ==> [x]  1:2:R a", b"f (repeats: 1", b"word"])
def test_other_lines_are_not_understood(body):
    found, _ = rows(HEAD + body + b"\n")
    assert found == [{"unparsed": HEAD + body}]
