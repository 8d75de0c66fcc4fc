import errno
import json

from ktrace.doctor.fact import Fact
from ktrace.doctor.machine import Machine
from ktrace.doctor.report import examine
from ktrace.host.local import LocalHost

CONFIG = "/boot/config-6.12.0-test"


def bad(report):
    return [f.name for f in report.facts if f.status == "bad"]


def test_where_all_is_well(tree):
    report = examine(tree.machine())
    assert report.usable
    assert [f for f in report.facts if f.status != "ok"] == []


def test_a_machine_with_nothing_is_examined_all_the_same(bare):
    report = examine(bare.machine(euid=1000, arch="sparc64"))
    assert bad(report) == ["tracefs"]
    assert {f.name: f.status for f in report.facts}["arch"] == "warn"


def test_files_that_are_directories_or_no_text_are_survived(tree):
    for path in ("/proc/cmdline", "/proc/self/status", "/sys/kernel/debug/kprobes/list"):
        tree.write(path, b"\xff\x00\xfe")
    tree.remove("/proc/kallsyms")
    (tree.root / "proc/kallsyms").mkdir()
    assert examine(tree.machine()).usable


def test_locked_down_and_without_kprobes_says_exactly_that(tree):
    tree.write(CONFIG, "# CONFIG_KPROBES is not set\nCONFIG_SECURITY_LOCKDOWN_LSM=y\n")
    tree.write("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n")
    for name in ("README", "kprobe_events"):
        tree.remove(f"/sys/kernel/tracing/{name}")
    report = examine(tree.refusing(errno.EPERM))
    assert not report.usable
    assert bad(report) == ["tracefs", "lockdown", "CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS"]
    assert all("ktrace vm" in f.advice for f in report.facts if f.status == "bad")


def test_json(tree):
    record = examine(tree.machine(), [Fact("more", "warn", "v", "a")]).to_json()
    assert json.loads(json.dumps(record)) == record
    assert (record["schema"], record["type"], record["usable"]) == (1, "doctor", True)
    assert record["facts"][0] == {"name": "kernel", "status": "ok", "value": "6.12.0-test", "advice": ""}
    assert record["facts"][-1] == {"name": "more", "status": "warn", "value": "v", "advice": "a"}
    assert (record["features"]["fprobe"], record["features"]["eprobe"]) == (True, False)


def test_features_are_null_where_tracefs_cannot_be_read(tree):
    tree.remove("/sys/kernel/tracing/README")
    features = examine(tree.machine()).abilities
    assert features["kprobes"] is None
    assert (features["btf"], features["all_kprobes"]) == (True, True)


def test_this_machine_is_examined_whatever_it_is():
    assert examine(Machine(LocalHost())).facts
