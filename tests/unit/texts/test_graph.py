"""The function graph with each of its options, as Linux 6.1 to 7.3 print it."""

import pytest

from tests.unit.texts.reading import rows

CALLS = [  # event, depth, function, duration, indented text
    ("funcgraph_entry", 0, "vfs_read", None, "vfs_read() {"),
    ("funcgraph_entry", 1, "rw_verify_area", None, "  rw_verify_area();"),
    ("funcgraph_exit", 1, "rw_verify_area", 500, ""),
    ("funcgraph_entry", 1, "ext4_read [ext4]", None, "  ext4_read [ext4]() {"),
    ("funcgraph_entry", 2, "down", None, "    down();"),
    ("funcgraph_exit", 2, "down", 10000250, ""),
    ("funcgraph_exit", 1, "ext4_read [ext4]", 10000500, "  }"),
    ("funcgraph_exit", 0, "vfs_read", 10002000, "}"),
]
MARKS = {None: "              ", 500: "  0.500 us    ", 10000250: "* 10000.250 us",
         10000500: "* 10000.500 us", 10002000: "* 10002.000 us"}  # fmt: skip


def text(before="", *, bar="|  ", durations=True, tail=False):
    lines, took = [], dict[str, int]()
    for event, _, func, duration, _ in CALLS:
        if event == "funcgraph_exit":
            took[func] = duration
    for event, _, func, duration, call in CALLS:
        if not call:
            continue
        shown = duration if event == "funcgraph_exit" else took[func] if call.endswith(";") else None
        end = f" /* {func} */" if tail and call.endswith("}") else ""
        lines.append(f"{before}{MARKS[shown] if durations else ''}{bar}{call}{end}\n")
    return "".join(lines).encode()


def brief(found):
    return [
        (r["event"], r["fields"]["depth"], r["fields"]["func"], r["fields"].get("duration")) for r in found
    ]


WANT = [call[:4] for call in CALLS]


@pytest.mark.parametrize(
    ("before", "pid", "comm", "flags"),
    [
        (" 0) ", -1, "", ""),
        ("", -1, "", ""),
        (" 3)    cat-138     | ", 138, "cat", ""),
        (" 1)   my pr-g-138     | ", 138, "my pr-g", ""),
        (" 0)  ...1. | ", -1, "", "...1."),
        ("  177.836411 |   0)    cat-144     |  d..1. | ", 144, "cat", "d..1."),
        ("  177.836411 |   127) ", -128, "", ""),
    ],
)
@pytest.mark.parametrize("tail", [True, False])
def test_columns(before, pid, comm, flags, tail):
    found, reader = rows(text(before, tail=tail))
    assert brief(found) == WANT
    assert reader.unparsed == 0
    assert {(r["pid"], r["comm"], r["flags"]) for r in found} == {(pid, comm, flags)}


def test_times_are_those_of_the_text():
    lines = (
        b"   33.610691 |   1)               |  f() {\n"
        b"   33.611038 |   1) ! 109.725 us  |    g();\n"
        b"   33.611316 |   1) ! 625.000 us  |  }\n"
    )
    assert [r["ts"] for r in rows(lines)[0]] == [33610691000, 33611038000, 33611147725, 33611316000]


def test_times_by_durations_where_there_are_none():
    times = [r["ts"] for r in rows(text(" 0) "))[0]]
    assert times == [0, 0, 500, 500, 500, 10000750, 10001000, 10002000]


def test_no_durations():
    found, reader = rows(text(" 0)", bar=" ", durations=False))
    assert brief(found) == [(*call[:3], None) for call in WANT]
    assert reader.unparsed == 0


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (b"  vfs_read(); /* = 0x10 */", {"retval": 16}),
        (b"  vfs_read(); /* = -22 */", {"retval": -22}),
        (b'  vfs_read(file=0xffff888, s="a; {");', {"args": 'file=0xffff888, s="a; {"'}),
        (
            b"  vfs_read(a=1); /* <-ksys_read ret=0x10 */",
            {"args": "a=1", "caller": "ksys_read", "retval": 16},
        ),
        (b"  vfs_read(); (0)", {}),
    ],
)
def test_arguments_callers_and_return_values(line, fields):
    found, reader = rows(b" 0)   0.500 us    |" + line + b"\n")
    both = {name: value for row in found for name, value in row["fields"].items()}
    assert both == {"func": "vfs_read", "depth": 0, "duration": 500, **fields}
    assert reader.unparsed == 0


def test_ends_without_a_begin_name_their_function_if_they_can():
    found, _ = rows(
        b" 0)   1.000 us    |    } /* inner = 0x1 */\n 0)   2.000 us    |  }\n 0)               |  f() {\n"
    )
    assert brief(found) == [
        ("funcgraph_exit", 1, "inner", 1000),
        ("funcgraph_exit", 0, "", 2000),
        ("funcgraph_entry", 0, "f", None),
    ]
    assert found[0]["fields"]["retval"] == 1


SWITCH = b""" 0)   1.000 us    |  f();
 ------------------------------------------
 0)    <idle>-0    =>   kworker-9   \n ------------------------------------------

 0)               |  /* irq_handler_entry: irq=9 name=x */
 0)               |  /* a marker */
 0)   ==========> |
 1)   1.000 us    |  g();
 0)   <========== |
"""


def test_switches_events_and_interrupts_between_calls():
    found, reader = rows(SWITCH)
    assert [(r["event"], r["pid"], r["comm"]) for r in found] == [
        ("funcgraph_entry", -1, ""), ("funcgraph_exit", -1, ""), ("irq_handler_entry", 9, "kworker"),
        ("print", 9, "kworker"), ("funcgraph_entry", -2, ""), ("funcgraph_exit", -2, ""),
    ]  # fmt: skip
    assert found[2]["fields"] == {"irq": 9, "name": "x"}
    assert reader.unparsed == 0


def test_losses_end_what_is_open():
    found, reader = rows(b" 0)               |  f() {\nCPU:0 [LOST 7 EVENTS]\n 0)   1.000 us    |    }\n")
    assert found[1] == {"lost": 7, "cpu": 0}
    assert found[2]["fields"] == {"func": "", "depth": 1, "duration": 1000}
    assert reader.lost == 7


TRACE_CMD = b"""cpus=2
             cat-247   [000]   149.272216: funcgraph_entry:                   |  vfs_read() {
             cat-247   [000]   149.272220: funcgraph_entry:      + 15.022 us  |    mutex_unlock();
             cat-247   [000]   149.272240: funcgraph_exit:       + 24.000 us  |  }
"""


def test_calls_of_trace_cmd_have_an_end():
    found, reader = rows(TRACE_CMD)
    assert [(r["event"], r["ts"], r["fields"]) for r in found] == [
        ("funcgraph_entry", 149272216000, {"func": "vfs_read", "depth": 0}),
        ("funcgraph_entry", 149272220000, {"func": "mutex_unlock", "depth": 1}),
        ("funcgraph_exit", 149272235022, {"func": "mutex_unlock", "depth": 1, "duration": 15022}),
        ("funcgraph_exit", 149272240000, {"func": "vfs_read", "depth": 0, "duration": 24000}),
    ]
    assert reader.unparsed == 0


@pytest.mark.parametrize(
    "line", [b" 0)               |  f( {", b" 0)   x us    |  f();", b" 0) ", b"|", b" 0)  ; f()"]
)
def test_lines_that_are_no_calls(line):
    found, reader = rows(text(" 0) ") + line + b"\n" + text(" 0) "))
    assert {"unparsed": line} in found
    assert reader.unparsed == 1


def events(text_):
    found, reader = rows(text_)
    assert reader.unparsed == 0
    return [(row["event"], row["ts"], row["fields"]) for row in found if "event" in row]


def test_durations_in_other_units():
    lines = b" 0)   12 ns  |  a();\n 0)   1.5 ms  |  b();\n 0) $ 2.000001 s |  c();\n"
    ends = [fields["duration"] for event, _, fields in events(lines) if event == "funcgraph_exit"]
    assert ends == [12, 1500000, 2000001000]


def test_braces_tell_the_depth_if_indentation_is_lost():
    lines = b"0) | a() {\n0) | b() {\n0) 1.382 us | c();\n0) 2.478 us | }\n0) 3.478 us | }\n"
    assert [(fields["func"], fields["depth"]) for _, _, fields in events(lines)] == [
        ("a", 0), ("b", 1), ("c", 2), ("c", 2), ("b", 1), ("a", 0)
    ]  # fmt: skip


def test_time_goes_on_after_a_loss_and_calls_do_not():
    lines = b" 2)   1.0 us |  c();\n 2)          |  a() {\nCPU:2 [LOST 12 EVENTS]\n 2)   1.0 us |  }\n"
    assert [(event, ts, fields["func"]) for event, ts, fields in events(lines)] == [
        ("funcgraph_entry", 0, "c"), ("funcgraph_exit", 1000, "c"), ("funcgraph_entry", 1000, "a"),
        ("funcgraph_exit", 2000, ""),
    ]  # fmt: skip


def test_a_probe_between_calls_has_its_arguments():
    assert events(b" 1)               |      /* kp: (vfs_read+0x0/0x10) a=1 */\n") == [("kp", 0, {"a": 1})]


def test_calls_without_any_column():
    lines = b"# tracer: function_graph\n#\n  f() {\n    g();\n  }\n"
    assert [fields["func"] for _, _, fields in events(lines)] == ["f", "g", "g", "f"]


def test_calls_of_a_latency_tracer():
    lines = b"# tracer: irqsoff\n#\n#     REL TIME      CPU  TASK/PID\n" + (
        b"       12 us     |   0)   ls-4339      |  d..1. |   0.100 us    |  _raw_spin_lock();\n"
    )
    assert events(lines)[0] == ("funcgraph_entry", 12000, {"func": "_raw_spin_lock", "depth": 0})


STACK = b" 1)               |      /* <stack trace>\n => f\n => g [xfs]\n */\n"


def test_comments_of_several_lines():
    text = b" 0)   1.0 us |  c();\n" + STACK + b" 1)               |      /* one\ntwo */\n"
    _, _, *found = rows(text)[0]
    reader = rows(text)[1]
    assert (found[0]["stack"], found[0]["user"]) == (("f", "g [xfs]"), False)
    assert (found[1]["fields"], reader.unparsed) == ({"body": "one\ntwo"}, 0)


def test_a_comment_that_never_ends_is_delivered():
    call = b" 0)   1.0 us |  c();\n"
    for after in (b"", call):
        found, reader = rows(call + STACK[:-4] + after)
        assert [row["unparsed"] for row in found if "unparsed" in row] == STACK.splitlines()[:3]
        assert reader.unparsed == 3


@pytest.mark.parametrize(("line", "unparsed"), [(b" (Overruns: 0)", 0), (b" (Overruns: 3)", 1)])
def test_overruns(line, unparsed):
    assert rows(b" 0)   1.0 us |  c();\n" + line + b"\n")[1].unparsed == unparsed


def test_tasks_of_one_cpu_do_not_run_at_the_same_time():
    text = (
        b" 0)    cat-1    |   1.000 us    |  a();\n"
        b" 0)    dog-2    |   2.000 us    |  b();\n"
        b" 1)    cow-3    |   2.000 us    |  c();\n"
        b" 0)    cat-1    |   1.000 us    |  d();\n"
    )
    found, _ = rows(text)
    entries = [(row["pid"], row["ts"]) for row in found if row["event"] == "funcgraph_entry"]
    assert entries == [(1, 0), (2, 1000), (3, 0), (1, 3000)]
