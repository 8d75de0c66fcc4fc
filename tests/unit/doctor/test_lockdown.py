import errno

import pytest

from ktrace.doctor.kconfig import find_config
from ktrace.doctor.lockdown import lockdown_fact

CONFIG = "/boot/config-6.12.0-test"
FORCED = (
    "CONFIG_SECURITY_LOCKDOWN_LSM=y\n# CONFIG_LOCK_DOWN_KERNEL_FORCE_NONE is not set\n"
    "CONFIG_LOCK_DOWN_KERNEL_FORCE_{}=y\n"
)


def look(tree, machine=None):
    machine = machine or tree.machine()
    return lockdown_fact(machine, find_config(machine))


def without_securityfs(tree):
    tree.mount("nodev /sys/kernel/tracing tracefs rw 0 0")
    tree.remove("/sys/kernel/security/lockdown")


@pytest.mark.parametrize(
    ("text", "status", "mode"),
    [
        ("[none] integrity confidentiality\n", "ok", "none"),
        ("none [integrity] confidentiality\n", "ok", "integrity"),
        ("none integrity [confidentiality]\n", "bad", "confidentiality"),
    ],
)
def test_the_mode_in_brackets(tree, text, status, mode):
    tree.write("/sys/kernel/security/lockdown", text)
    fact = look(tree)
    assert (fact.status, fact.value.split(":")[0]) == (status, mode)
    assert ("ktrace vm" in fact.advice) == (status == "bad")


def test_securityfs_elsewhere(tree):
    tree.mount("nodev /mnt/sec securityfs rw 0 0")
    tree.write("/mnt/sec/lockdown", "none integrity [confidentiality]\n")
    assert look(tree).status == "bad"


def test_securityfs_without_the_file_is_a_kernel_without_lockdown(tree):
    tree.remove("/sys/kernel/security/lockdown")
    assert look(tree).value == "this kernel has none"


def test_the_configuration_proves_confidentiality(tree):
    without_securityfs(tree)
    tree.write(CONFIG, FORCED.format("CONFIDENTIALITY"))
    fact = look(tree)
    assert fact.status == "bad"
    assert "inferred from CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY" in fact.value


def test_so_does_the_command_line_before_what_is_for_init(tree):
    without_securityfs(tree)
    tree.write(CONFIG, FORCED.format("INTEGRITY"))
    tree.write("/proc/cmdline", "quiet lockdown=confidentiality\n")
    assert look(tree).status == "bad"
    tree.write("/proc/cmdline", "quiet -- lockdown=confidentiality\n")
    assert look(tree).status == "ok"


def test_a_mode_can_have_become_stricter_since(tree):
    without_securityfs(tree)
    tree.write(CONFIG, FORCED.format("INTEGRITY"))
    fact = look(tree, tree.refusing(errno.EPERM))
    assert (fact.status, fact.value.split(" (")[0]) == ("unknown", "integrity at least")
    assert fact.advice == "mount -t securityfs nodev /sys/kernel/security shows it"


def test_that_kprobe_events_opens_proves_that_tracing_is_not_refused(tree):
    without_securityfs(tree)
    tree.write(CONFIG, FORCED.format("NONE"))
    fact = look(tree)
    assert fact.status == "ok"
    assert "inferred" in fact.value


def test_a_kernel_built_without(tree):
    without_securityfs(tree)
    assert look(tree).value == "this kernel has none"


def test_nothing_to_see(bare):
    fact = look(bare)
    assert (fact.status, fact.value) == ("unknown", "cannot be seen")
