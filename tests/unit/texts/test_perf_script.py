"""`perf script`, as perf 6.1 prints it."""

import pytest

from tests.unit.texts.reading import rows

STACK = (
    b"        ffffffff8509a7fc __schedule+0x5bc ([kernel.kallsyms])\n"
    b"        ffffffffc0212345 ext4_read+0x5 ([ext4])\n"
    b"                   ee137 sched_setaffinity@@GLIBC_2.3.4+0x7 (/usr/lib/libc.so.6)\n"
    b"            55d0c0ffee00 [unknown] (/usr/bin/my prog (deleted))\n"
)
KERNEL = ("__schedule+0x5bc", "ext4_read+0x5")
USER = ("sched_setaffinity@@GLIBC_2.3.4+0x7", "[unknown] (/usr/bin/my prog (deleted))")


@pytest.mark.parametrize(
    ("head", "want"),
    [
        (b"perf   287 [000]   245.129403: ", ("perf", 287, 0, 0, 245129403000, "")),
        (b"            perf   287/290   [001]   245.142501: ", ("perf", 290, 287, 1, 245142501000, "")),
        (b" kworker/1:0-mm_    28 [001]   245.158939123: ", ("kworker/1:0-mm_", 28, 0, 1, 245158939123, "")),
        (b"my 1 prog   287   245.129403: ", ("my 1 prog", 287, 0, 0, 245129403000, "")),
        (b":287   287 [000] 99999245.129403: ", (":287", 287, 0, 0, 99999245129403000, "")),
        (b"swapper     0 [003] d..2.   245.129403: ", ("swapper", 0, 0, 3, 245129403000, "d..2.")),
    ],
)
@pytest.mark.parametrize("indent", [True, False])
def test_heads(head, want, indent):
    head = head if indent else head.lstrip()
    found, reader = rows(head + b"       irq:irq_handler_exit: irq=26 ret=handled\n")
    row = found[0]
    assert (row["comm"], row["pid"], row["tgid"], row["cpu"], row["ts"], row["flags"]) == want
    assert (row["event"], row["fields"]) == ("irq_handler_exit", {"irq": 26, "ret": "handled"})
    assert reader.groups == {"irq_handler_exit": "irq"}
    assert reader.unparsed == 0


@pytest.mark.parametrize(
    ("body", "event", "fields"),
    [
        (b"     250000 cpu-clock: ", "cpu-clock", {"period": 250000}),
        (b"          1 cycles:ppp: ", "cycles", {"period": 1}),
        (b"   1 cpu-clock:pppH:  ffffffff8509a7fc f+0x1 ([kernel.kallsyms])", "cpu-clock", {"period": 1}),
        (b"syscalls:sys_enter_openat: dfd: 0xffffff9c, filename: 0x7ffd, flags: 0x00000000",
         "sys_enter_openat", {"dfd": 0xFFFFFF9C, "filename": 0x7FFD, "flags": 0}),
        (b"syscalls:sys_exit_openat: 0xfffffffffffffffe", "sys_exit_openat", {"ret": -2}),
        (b'probe:vfs_read: (ffffffff8129ab10) n=0x10 name="a: b"', "vfs_read", {"n": 16, "name": "a: b"}),
        (b"probe:r: (ffffffff8129ab10 <- ffffffff8129ab00) ret=-2", "r", {"ret": -2}),
        (b"some:thing: what it prints", "thing", {"body": "what it prints"}),
        (b"PERF_RECORD_FORK(1:1):(0:0)", "PERF_RECORD_FORK", {"body": "(1:1):(0:0)"}),
        (b"PERF_RECORD_COMM: busybox:1/1", "PERF_RECORD_COMM", {"body": "busybox:1/1"}),
    ],
)  # fmt: skip
def test_events(body, event, fields):
    found, reader = rows(b"perf   287 [000]   245.129403: " + body + b"\n")
    assert (found[0]["event"], found[0]["fields"]) == (event, fields)
    assert reader.unparsed == 0


@pytest.mark.parametrize("indent", [True, False])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_stacks_in_the_kernel_and_in_the_program(indent, end):
    stack = STACK if indent else b"".join(line.lstrip() + b"\n" for line in STACK.splitlines())
    head = b"perf   287 [000]   245.129403:     250000 cpu-clock: \n"
    found, reader = rows((head + stack + end) * 2)
    stacks = [(row["user"], row["stack"]) for row in found if "stack" in row]
    assert stacks == [(False, KERNEL), (True, USER)] * 2
    assert [row["ips"][0] for row in found if "stack" in row][:2] == [0xFFFFFFFF8509A7FC, 0xEE137]
    assert (reader.events, reader.unparsed) == (2, 0)


def test_a_stack_without_files_is_told_by_its_addresses():
    lines = b"        ffffffff8509a7fc __schedule\n                   ee137 main\n"
    found, _ = rows(b"perf   287   245.129403:  1  sched:sched_switch: \n" + lines)
    assert [(r["user"], r["stack"]) for r in found if "stack" in r] == [
        (False, ("__schedule",)),
        (True, ("main",)),
    ]


def test_frames_without_a_record_and_other_lines():
    head = b"perf   287 [000]   245.129403:     250000 cpu-clock: \n"
    first = STACK.splitlines()[0]
    found, reader = rows(first + b"\n# header\n" + head + STACK + b"\nwhat is this?\n" + head)
    assert [row["unparsed"] for row in found if "unparsed" in row] == [first, b"what is this?"]
    assert (reader.events, reader.unparsed) == (2, 2)


HEAD = b"a.out  1234 [000]  5678.123456:     100 cycles:u: "


def stacks(text):
    found, reader = rows(text)
    assert reader.unparsed == 0
    return [(row["user"], row["stack"]) for row in found if "stack" in row]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        # srcline
        (HEAD + b"\n      55d0c0 main+0x10 (/tmp/a)\n  main.c:12\n      55d0c8 foo (/tmp/a)\n  a b.c:3\n\n",
         [(True, ("main+0x10", "foo"))]),
        # brstack, and branches
        (HEAD + b"55d0c0 main (/tmp/a) 0x401/0x402/P/-/-/3  0x403/0x404/M/-/-/1\n", [(True, ("main",))]),
        (HEAD + b"55d0c0 main (/tmp/a) => 55d0d0 foo (/tmp/a)\n", [(True, ("main",))]),
        # Two records, each with its address.
        (HEAD + b"55d0c0 main (/tmp/a)\n" + HEAD + b"55d0c1 f+0x1\n",
         [(True, ("main",)), (True, ("f+0x1",))]),
        # A function that was inlined, and one of BPF.
        (HEAD + b"\n  ffffffff81000000 f (inlined)\n  ffffffff81000000 g ([kernel.kallsyms])\n"
         b"  ffffffffc0001000 bpf_prog_12 (bpf_prog_12)\n  ffffffffff600000 [vsyscall] ([vsyscall])\n"
         b"  401000 h (inlined)\n\n",
         [(False, ("f", "g", "bpf_prog_12")), (True, ("[vsyscall]", "h"))]),
        # No time.
        (b"a.out  1234 \n\t  55d0c0 main (/tmp/a)\n\t  55d0c8 foo (/tmp/a)\n\n"
         b"Web C 1/2 [003] \n\t  55d0c0 x (/tmp/a)\n\n",
         [(True, ("main", "foo")), (True, ("x",))]),
        (b"a.out  1234 cycles:u:  55d0c0 main (/tmp/a)\na.out  1234 cycles:u:  55d0c8 foo (/tmp/a)\n",
         [(True, ("main",)), (True, ("foo",))]),
        (b"a  1  100 cpu-clock:pppH: \n\t  55d0c0 main (/tmp/a)\n\n", [(True, ("main",))]),
    ],
)  # fmt: skip
def test_stacks_of_other_fields(text, want):
    assert stacks(text) == want


def test_a_line_within_a_stack_does_not_end_it():
    text = HEAD + b"\n   55d0c0 main (/tmp/a)\nwhat is this\n   55d0c8 foo (/tmp/a)\n\n"
    found, reader = rows(text)
    assert [row["stack"] for row in found if "stack" in row] == [("main", "foo")]
    assert (reader.unparsed, {"unparsed": b"what is this"} in found) == (1, True)


@pytest.mark.parametrize(
    ("head", "want"),
    [(b" 1234 [000]  5678.123456: ", (1234, 0)), (b" 1234/1235 [000] 5678.123456: ", (1235, 1234))],
)
def test_heads_without_a_name(head, want):
    found, _ = rows(head + b"irq:softirq_raise: vec=9 [action=RCU]\n")
    assert (found[0]["comm"], found[0]["pid"], found[0]["tgid"]) == ("", *want)


@pytest.mark.parametrize("event", [b"PERF_RECORD_LOST lost 12", b"PERF_RECORD_LOST_SAMPLES: lost 12"])
def test_lost_events_are_counted(event):
    found, reader = rows(b"perf  1234 [001] 5678.123456: " + event + b"\n")
    assert (found, reader.lost) == ([{"lost": 12, "cpu": 1}], 12)


def test_addresses_of_programs():
    found, _ = rows(b"cat 333 [001]  100.123456: probe_libc:malloc: (7f12345) bytes=32\n")
    assert (found[0]["kind"], found[0]["place"], found[0]["fields"]) == ("entry", "7f12345", {"bytes": 32})


def test_a_time_of_another_form_is_not_a_name():
    found, reader = rows(
        b"perf  1235 [003]   245.129403:          1 cycles: ffffffff81234567 foo+0x1 ([kernel.kallsyms])\n\n"
        b"perf  1235 [003] 2024-01-01 12:00:00.123456:  1 cycles: ffffffff81234567 foo ([kernel.kallsyms])\n"
    )
    assert [row["comm"] for row in found if "event" in row] == ["perf"] and reader.unparsed == 1


def test_columns_of_perf_mem_are_not_a_part_of_the_frame():
    found, _ = rows(
        b"mem  1235 [003]   245.129403:   1 mem-loads,ldlat=30/P:   7fff1234 |OP LOAD|LVL L1 hit|SNP None "
        b"ffffffff81234567 foo+0x1 ([kernel.kallsyms])\n"
    )
    assert [row["stack"] for row in found if "stack" in row] == [("foo+0x1",)]


WHERE = b"ffffffff81055555 native_safe_halt+0x5 ([kernel.kallsyms])\n"
CHAIN = b"\t" + WHERE + b"\t          7f1234 main (/bin/foo)\n\n"
NONE = ("", 0, 0)


@pytest.mark.parametrize(
    ("text", "event", "want"),
    [
        (b"my prog  12.567890: cycles: \n" + CHAIN, "cycles", ("my prog", 12567890000, 0)),
        (b"my prog \n" + CHAIN, "sample", ("my prog", 0, 0)),
        (b"cycles: \n" + CHAIN, "cycles", NONE),
        (b"[003] cycles: \n" + CHAIN, "cycles", ("", 0, 3)),
        (CHAIN, "sample", NONE),
        (b"      my prog [003]    12.567890:        cycles: \n", "cycles", ("my prog", 12567890000, 3)),
        (b"[003]    12.567890:     250000 cpu-clock:pppH:  " + WHERE, "cpu-clock", ("", 12567890000, 3)),
        (b"            my prog  " + WHERE, "sample", ("my prog", 0, 0)),
        (b" 12.567890:  " + WHERE, "sample", ("", 12567890000, 0)),
        (b" " + WHERE, "sample", NONE),
        (b" 12.567890: irq:irq_handler_exit: irq=26 ret=handled\n", "irq_handler_exit", ("", 12567890000, 0)),
    ],
)
def test_samples_without_a_pid(text, event, want):
    found, reader = rows(text * 3)
    assert reader.unparsed == 0
    records = [row for row in found if "event" in row]
    assert [(row["event"], row["comm"], row["ts"], row["cpu"]) for row in records] == [(event, *want)] * 3
    assert {row["pid"] for row in records} == {-1}
    stacks = [row for row in found if "stack" in row]
    assert len(stacks) == 3 * ((WHERE in text) + (b"main" in text))
    assert "no record has a pid, which is -1" in reader.notes
    assert ("no record has a time, which is 0" in reader.notes) == (want[1] == 0)
    assert ("no record has a CPU, which is 0" in reader.notes) == (want[2] == 0)


@pytest.mark.parametrize(
    "text",
    [
        b"12.345678: starting: foo bar\n",
        b"  12 errors (see log)\n",
        b"   abcdef1 net: fix foo (bar)\n",
        b"foo: bar\n",
    ],
)
def test_other_texts_are_not_samples(text):
    assert rows(text * 3)[1].events == 0


def test_lines_between_samples_without_a_pid():
    found, reader = rows(CHAIN + b"cycles: \n" + CHAIN.rstrip() + b"\nsome: other thing\n\n" + CHAIN)
    assert {"unparsed": b"some: other thing"} in found
    assert (reader.events, reader.unparsed) == (3, 1)
