import errno

from ktrace.doctor.fact import Fact
from ktrace.doctor.report import Report, examine
from ktrace.doctor.screen import to_text


def test_where_all_is_well_it_fits_a_terminal(tree):
    lines = to_text(examine(tree.machine(), [Fact("ktrace vm", "ok", "ready, by KVM")])).splitlines()
    assert lines[0] == "kprobes can be used here"
    assert len(lines) <= 23  # and the prompt
    assert max(map(len, lines)) <= 80
    assert "ok kernel     6.12.0-test x86_64" in lines
    assert not any(line.startswith(("--", "!!", "??")) for line in lines)


def test_every_line_fits_where_nothing_is_well(bare):
    text = to_text(examine(bare.machine(euid=1000)))
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("kprobes cannot be used here: tracefs\n")


def test_a_problem_is_followed_by_what_to_do(tree):
    tree.write("/proc/sys/kernel/ftrace_enabled", "0\n")
    lines = to_text(examine(tree.machine())).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("!! kernel.ftrace_enabled: 0"))
    assert "   -> sysctl kernel.ftrace_enabled=1" in lines[at + 1 : at + 3]
    assert lines[0] == "kprobes cannot be used here: kernel.ftrace_enabled"


def test_the_vm_is_offered_where_the_kernel_is_in_the_way_and_only_there(tree):
    offer = "`ktrace vm` boots a kernel"
    assert offer not in to_text(examine(tree.refusing(errno.EACCES, euid=1000)))
    tree.remove("/sys/kernel/tracing/kprobe_events")
    assert offer in to_text(examine(tree.machine()))


def test_facts_of_one_kind_share_a_line(tree):
    tree.mount("nodev /sys/kernel/tracing tracefs rw 0 0")
    text = to_text(examine(tree.machine()))
    assert "?? kprobes/enabled, kprobes/list, kprobes/blacklist: debugfs is not mounted" in text
    assert "ok sysctls    ftrace_enabled 1; kprobes-optimization 1; kptr_restrict 1" in text


def test_what_comes_from_the_kernel_cannot_steer_the_terminal():
    report = Report((Fact("tracer", "warn", "a\x1b[31mb", "\x07"),), {})
    text = to_text(report)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "a\\x1b[31mb" in text
