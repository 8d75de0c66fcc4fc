import errno

import pytest

from ktrace.doctor.access import container, debugfs_fact, tracefs_fact, user_fact

NO_CAPABILITY = "Name:\tx\nCapEff:\t0000000000000000\n"
NAMESPACE = "pid:[4026532201]"


def in_a_pid_namespace(tree):
    link = tree.root / "proc/self/ns/pid"
    link.unlink()
    link.symlink_to(NAMESPACE)


def test_where_all_is_well(tree):
    machine = tree.machine()
    assert user_fact(machine).value == "root"
    assert [f.status for f in (user_fact(machine), tracefs_fact(machine), debugfs_fact(machine))] == [
        "ok"
    ] * 3


def test_root_of_a_user_namespace_is_not_quite_root(tree):
    tree.write("/proc/self/uid_map", "0 1000 1\n")
    fact = user_fact(tree.machine())
    assert (fact.status, "user namespace" in fact.value) == ("warn", True)


def test_a_user_without_rights_is_told_to_be_root(tree):
    tree.write("/proc/self/status", NO_CAPABILITY)
    machine = tree.refusing(errno.EACCES, euid=1000)
    assert user_fact(machine).status == "warn"
    fact = tracefs_fact(machine)
    assert fact.status == "bad"
    assert "sudo" in fact.advice
    assert "CAP_DAC_OVERRIDE" in fact.advice


def test_a_user_who_may_write_is_well(tree):
    tree.write("/proc/self/status", NO_CAPABILITY)
    assert user_fact(tree.machine(euid=1000)).status == "ok"


def test_capabilities_are_named(tree):
    tree.write("/proc/self/status", f"CapEff:\t{(1 << 1) | (1 << 34):016x}\n")
    assert "CAP_DAC_OVERRIDE and CAP_SYSLOG" in user_fact(tree.machine(euid=1000)).value


def test_a_marker_file_alone_is_no_container(tree):
    tree.write("/.dockerenv", "")
    assert container(tree.machine()) is None


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("/.dockerenv", "", "docker"),
        ("/run/systemd/container", "lxc\n", "lxc"),
        ("/x", "", "its own process ids"),
    ],
)
def test_a_container_has_its_own_process_ids(tree, path, text, kind):
    in_a_pid_namespace(tree)
    tree.write(path, text)
    assert container(tree.machine()) == kind
    assert "the host's" in user_fact(tree.machine()).value


def test_tracefs_not_mounted(tree):
    tree.mount("nodev /sys/kernel/debug debugfs rw 0 0")
    fact = tracefs_fact(tree.machine())
    assert (fact.status, fact.advice) == ("bad", "mount -t tracefs nodev /sys/kernel/tracing")
    assert tracefs_fact(tree.machine(euid=1000)).advice.startswith("sudo mount")


def test_tracefs_is_found_within_debugfs(tree):
    tree.mount("nodev /sys/kernel/debug debugfs rw 0 0")
    for name in ("README", "kprobe_events"):
        tree.write(f"/sys/kernel/debug/tracing/{name}", "")
    fact = tracefs_fact(tree.machine())
    assert (fact.status, fact.value.split(",")[0]) == ("ok", "/sys/kernel/debug/tracing")


def test_a_kernel_without_tracefs_says_so(tree):
    tree.mount()
    tree.write("/proc/filesystems", "nodev\tsysfs\n")
    fact = tracefs_fact(tree.machine())
    assert "CONFIG_TRACING" in fact.value
    assert "ktrace vm" in fact.advice


def test_a_container_is_given_tracefs_from_outside(tree):
    tree.mount()
    in_a_pid_namespace(tree)
    assert "the host's /sys/kernel/tracing" in tracefs_fact(tree.machine()).advice


def test_an_empty_tracefs_is_lockdown_from_boot_on(tree):
    for name in ("README", "kprobe_events"):
        tree.remove(f"/sys/kernel/tracing/{name}")
    fact = tracefs_fact(tree.machine())
    assert (fact.status, fact.value) == ("bad", "/sys/kernel/tracing: mounted, but empty")
    assert "lockdown" in fact.advice


def test_tracefs_without_kprobe_events(tree):
    tree.remove("/sys/kernel/tracing/kprobe_events")
    fact = tracefs_fact(tree.machine())
    assert fact.status == "bad"
    assert "CONFIG_KPROBE_EVENTS" in fact.advice
    assert "ktrace vm" in fact.advice


def test_lockdown_that_came_later_refuses_the_open(tree):
    fact = tracefs_fact(tree.refusing(errno.EPERM))
    assert (fact.status, "lockdown" in fact.advice) == ("bad", True)


def test_a_mount_for_reading_only(tree):
    tree.mount("nodev /sys/kernel/tracing tracefs ro 0 0")
    fact = tracefs_fact(tree.refusing(errno.EROFS))
    assert "remount,rw" in fact.advice


def test_debugfs_is_optional(tree):
    tree.mount("nodev /sys/kernel/tracing tracefs rw 0 0")
    fact = debugfs_fact(tree.machine())
    assert (fact.status, fact.advice) == ("warn", "mount -t debugfs nodev /sys/kernel/debug")
    tree.write("/proc/filesystems", "nodev\ttracefs\n")
    assert "CONFIG_DEBUG_FS" in debugfs_fact(tree.machine()).advice
