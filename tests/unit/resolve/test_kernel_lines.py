import pytest

from ktrace.errors import UsageError
from ktrace.resolve.kernel_lines import is_kernel_line, probe_from_kernel_line
from ktrace.resolve.spec import ProbeOptions

PLAIN = ProbeOptions()


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("p vfs_read", True),
        ("r16 vfs_read", True),
        ("p:x", True),
        ("-:x", True),
        ("!p:x vfs_read", True),
        ("s:x int a", True),
        ("p", False),
        ("printk %di", False),
        ("ext4:ext4_sync_file a=%di", False),
        ("re_init x", False),
        ("r5:x vfs_read", True),
        ("r8169:rtl_open a=%di", False),
        ("e1000:e1000_open a=%di", False),
        ("f2fs:f2fs_sync_fs", False),
    ],
)
def test_which_words_are_the_kernels(line, is_one):
    assert is_kernel_line(line.split()) is is_one


@pytest.mark.parametrize(
    ("line", "event", "spelled"),
    [
        ("p vfs_read", "kprobes/p_vfs_read_0", "vfs_read"),
        ("r vfs_read $retval", "kprobes/r_vfs_read_0", "vfs_read ret=$retval"),
        ("p vfs_read+0x10", "kprobes/p_vfs_read_16", "vfs_read+16"),
        ("p f.isra.0", "kprobes/p_f_isra_0_0", "f.isra.0"),
        ("p ext4:f", "kprobes/p_ext4_f_0", "ext4:f"),
        ("p vfs_read%return", "kprobes/r_vfs_read_0", "vfs_read"),
        ("p:foo/ vfs_read", "foo/p_vfs_read_0", "vfs_read"),
        ("p:my.dot vfs_read", "my/dot", "vfs_read"),
        ("p 0xffffffff81000000", "kprobes/p_0xffffffff81000000", "0xffffffff81000000"),
        ("f vfs_read", "fprobes/vfs_read__entry", "vfs_read"),
        ("f vfs_read%return", "fprobes/vfs_read__exit", "vfs_read%return"),
        ("t 9p_client_req", "tracepoints/_9p_client_req", "9p_client_req"),
        ("e sched/sched_switch", "eprobes/sched_switch", "sched.sched_switch"),
        (
            "e:g/ sched.sched_switch p=$pid if pid > 1",
            "g/sched_switch",
            "sched.sched_switch p=$pid if pid > 1",
        ),
        ("p /lib/ld-linux.so.2:0x1000", "uprobes/p_ld_0x1000", "/lib/ld-linux.so.2:0x0000000000001000"),
        ("p:u /bin/sh:0x10  # why", "uprobes/u", "/bin/sh:0x0000000000000010"),
    ],
)
def test_what_a_line_leaves_out_is_the_kernels(line, event, spelled):
    probe = probe_from_kernel_line(line.split(), PLAIN)
    assert (probe.event, probe.to_line().partition(" ")[2]) == (event, spelled)


def test_options_fill_what_is_left_out():
    assert probe_from_kernel_line(["p", "f"], ProbeOptions(group="g", name="n")).event == "g/n"
    assert probe_from_kernel_line(["p:a/b", "f"], ProbeOptions(group="g")).event == "a/b"
    with pytest.raises(UsageError, match="which"):
        probe_from_kernel_line(["p:a", "f"], ProbeOptions(name="n"))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("-:g/x", "removes an event"),
        ("s:x int a", "synthetic event"),
        ("p:", "name is missing"),
        ("p: f", "name is missing"),
        ("p:/x f", "group's name is missing"),
        ("p:x", "names no place"),
        ("r5x f", "not a number"),
        ("p5:x f", "only a return probe"),
        ("p:u busybox:0x1000", "not a place"),
        ("p:1x f", "cannot be an event name"),
    ],
)
def test_lines_that_define_nothing(line, text):
    with pytest.raises(UsageError, match=text):
        probe_from_kernel_line(line.split(), PLAIN)


@pytest.mark.parametrize(
    "defaults",
    [
        ProbeOptions(at_return=True),
        ProbeOptions(maxactive=5),
        ProbeOptions(regs=True),
        ProbeOptions(kind="fprobe"),
        ProbeOptions(nth=1),
    ],
)
def test_options_that_a_line_leaves_no_room_for(defaults):
    with pytest.raises(UsageError, match="does not apply"):
        probe_from_kernel_line(["p", "f"], defaults)


@pytest.mark.parametrize("line", ["r0 f", "e sched_switch", "e:x sched.sched_switch if", "e:x .a"])
def test_lines_that_would_become_others(line):
    with pytest.raises(UsageError):
        probe_from_kernel_line(line.split(), PLAIN)
