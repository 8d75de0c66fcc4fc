"""Columns that are not the kernel's usual ones; lines as trace-cmd 3.1 and Linux 6.1 to 7.3 print them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.texts.heads import read_header
from tests.unit.texts.reading import rows

BODY = b"softirq_raise: vec=9 [action=RCU]\n"
FIELDS = {"vec": 9, "action": "RCU"}


@pytest.mark.parametrize(
    ("head", "want"),
    [
        # option latency-format
        (b"     cat-247     3d..2.   12us : ", ("cat", 247, 3, 12000, "d..2.", False)),
        (b"rcu_pree-18        0d..2. 291785us#: ", ("rcu_pree", 18, 0, 291785000, "d..2.", False)),
        (b"  <idle>-0       127dNh1    0us!: ", ("<idle>", 0, 127, 0, "dNh1", False)),
        (b"a b-c d-9          1D.s2.  568: ", ("a b-c d", 9, 1, 568, "D.s2.", True)),
        # and verbose: the time in brackets is absolute
        (b"     rcu_preempt      18   1 1 00000002 000002d3 [082efe49] 982.703ms (+12.176ms): ",
         ("rcu_preempt", 18, 1, 0x82EFE49 * 1000, "", False)),
        (b"     kworker/0:0       9   0 1 00000002 000002bb [000000000000372e] 48 (+0): ",
         ("kworker/0:0", 9, 0, 0x372E, "", True)),
        # trace-cmd report, with -l, -t, --raw-ts
        (b"             cat-247   [000]   149.272216: ", ("cat", 247, 0, 149272216000, "", False)),
        (b"             cat-247   [000] 10149.272216: ", ("cat", 247, 0, 10149272216000, "", False)),
        (b"             cat-247   [000] 123456789.272216: ", ("cat", 247, 0, 123456789272216000, "", False)),
        (b"  <idle>-0       1d.h1.   149.273310: ", ("<idle>", 0, 1, 149273310000, "d.h1.", False)),
        (b"             cat-247   [000]   149.272216048: ", ("cat", 247, 0, 149272216048, "", False)),
        (b"             cat-247   [000]149272216048: ", ("cat", 247, 0, 149272216048, "", True)),
        (b" com.google.android.launcher-28 (   28) [001] d..2   149.274092: ",
         ("com.google.android.launcher", 28, 1, 149274092000, "d..2", False)),
        (b"     kworker/1:0-28    [001] d..2.   149.274092: ",
         ("kworker/1:0", 28, 1, 149274092000, "d..2.", False)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("indent", [True, False])
def test_heads(head, want, indent):
    found, reader = rows((head if indent else head.lstrip()) + BODY)
    row = found[0]
    assert (row["comm"], row["pid"], row["cpu"], row["ts"], row["flags"], row["ticks"]) == want
    assert row["fields"] == FIELDS
    assert reader.unparsed == 0


@pytest.mark.parametrize("delta", [b"         ", b"(+1094)  ", b"(+88)    "])
def test_times_between_events(delta):
    """trace-cmd report --ts-diff."""
    line = (
        b"          <idle>-0     [001]   149.273310: "
        + delta
        + b"softirq_raise:        vec=7 [action=SCHED]\n"
    )
    found, reader = rows(line * 2)
    assert [(r["event"], r["ts"], r["fields"]) for r in found] == [
        ("softirq_raise", 149273310000, {"vec": 7, "action": "SCHED"})
    ] * 2
    assert reader.unparsed == 0


def test_notes_and_losses_of_trace_cmd():
    line = b"          <idle>-0     [001]   149.273310: softirq_raise:        vec=7 [action=SCHED]\n"
    text = (
        b"version = 7\nCPU 1 is empty\ncpus=2\n"
        + line
        + b"CPU:1 [12 EVENTS DROPPED]\nCPU:0 [EVENTS DROPPED]\n"
        + line
    )
    found, reader = rows(text)
    assert [row.get("lost", "event") for row in found] == ["event", 12, None, "event"]
    assert (reader.lost, reader.unparsed) == (12, 0)


def test_stacks_of_trace_cmd():
    head = b"              sh-280   [000]   210.914454: "
    text = head + b"softirq_raise:        vec=7\n" + head + (
        b"kernel_stack:         <stack trace >\n=> __schedule (ffffffff8509a7fc)\n"
        b"=> schedule (ffffffff8509ae67)\n"
    )  # fmt: skip
    found, reader = rows(text)
    assert found[1]["stack"] == ("__schedule", "schedule")
    assert found[1]["ips"] == (0xFFFFFFFF8509A7FC, 0xFFFFFFFF8509AE67)
    assert reader.unparsed == 0


def test_probes_of_trace_cmd_have_bare_addresses():
    head = b"             cat-247   [000]   149.272216: "
    text = head + b'kp:                   (ffffffff8129ab10) fd=0x3 s="a: b"\n' + head + (
        b"rp:                   (ffffffff8129ab10 <- ffffffff8129ab00) ret=-2\n"
    )  # fmt: skip
    found, reader = rows(text)
    assert [(r["kind"], r["fields"]) for r in found] == [
        ("entry", {"fd": 3, "s": "a: b"}),
        ("return", {"ret": -2}),
    ]
    assert found[0]["place"] == "ffffffff8129ab10"
    assert reader.unparsed == 0


names = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\t"), max_size=15).map(str.strip)


@given(
    names.filter(lambda name: len(name.encode()) <= 15),
    st.integers(0, 4194304),
    st.integers(0, 4095),
    st.integers(0, 2**33),
    st.sampled_from(["", "d..2.", "....", "DNZff"]),
    st.sampled_from([None, 0, 77, 4194304]),
    st.sampled_from([(16, 7), (16, 5), (0, 0)]),
)
def test_any_name_in_any_columns(comm, pid, cpu, seconds, flags, tgid, widths):
    group = "" if tgid is None else f"({tgid or '-------':>7}) "
    clock = f"{flags} {seconds:5d}.000001" if flags else f"{seconds:6d}.000001"
    line = f"{comm:>{widths[0]}}-{pid:<{widths[1]}d} {group}[{cpu:03d}] {clock}: a: b".encode()
    head = read_header(line, 0, len(line))
    assert head is not None
    assert (head.comm.decode(), head.pid, head.cpu) == (comm, pid, cpu)
    assert (head.flags.decode(), head.tgid) == (flags, tgid)
    assert head.ts == seconds * 10**9 + 1000
    assert line[head.body :] == b"a: b"


def test_a_longer_name_is_not_a_part_of_the_marker_before_it():
    marker = b"             app-125   [000] d..2.   149.274092: tracing_mark_write: B|125|one\n"
    other = b" com.google.android.launcher-28   [001] d..2.   149.274093: tracing_mark_write: E|28\n"
    found, reader = rows(marker + other + marker)
    assert [row["comm"] for row in found] == ["app", "com.google.android.launcher", "app"]
    assert [row["fields"]["body"] for row in found] == ["B|125|one", "E|28", "B|125|one"]
    assert not reader.unparsed


def test_messages_of_a_modules_functions():
    head = b"             cat-247     [000] d..2.   149.274092: "
    found, reader = rows(
        head + b"my_init [mod]: hello\n" + head + b"my_init+0x1/0x2 [a-b]: again\n" + head + BODY
    )
    assert [row["event"] for row in found] == ["my_init [mod]", "my_init+0x1/0x2 [a-b]", "softirq_raise"]
    assert not reader.unparsed


GROUPED = """          <idle>-0     [001] 5512.004411: sched:sched_switch:%sa:0 [120] R ==> cat:411 [120]
             cat-411   [001] 5512.004437: my-group:kp:%s(vfs_read+0x4/0x370) n=5
"""


@pytest.mark.parametrize("pad", [" ", "         "])
def test_the_group_before_an_event(pad):
    found, reader = rows((GROUPED % (pad, pad)).encode() * 40)
    assert reader.unparsed == 0
    assert [row["event"] for row in found[:2]] == ["sched_switch", "kp"]
    assert found[0]["fields"]["next_pid"] == 411
    assert found[1]["fields"] == {"n": 5}
    assert reader.groups == {"sched_switch": "sched", "kp": "my-group"}
