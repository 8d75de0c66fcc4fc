"""The doctor on a real kernel: what it says agrees with what the kernel does.

Needs root and a kernel with kprobes. What is switched for a moment is switched back.
"""

import errno
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TRACING = Path("/sys/kernel/tracing")
KPROBES = Path("/sys/kernel/debug/kprobes")
DOCTOR = [sys.executable, "-m", "ktrace", "doctor"]
# An interpreter in root's home cannot be started as somebody else: so it starts as root, loads what
# the doctor needs by running it once, and only then becomes nobody.
AS_NOBODY = [
    sys.executable,
    "-c",
    """
import contextlib, io, os, sys
from ktrace.cli.main import main
with contextlib.redirect_stdout(io.StringIO()):
    main(["doctor", "--json"])
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
sys.exit(main(["doctor", "--json"]))
""",
]


def examine(command=(*DOCTOR, "--json")):
    """Exit status, facts by name, and the whole record."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    record = json.loads(done.stdout)
    return done.returncode, {fact["name"]: fact for fact in record["facts"]}, record


def append(name: str, line: str) -> None:
    """One write(2) without truncation; Python's own append mode seeks, which tracefs refuses."""
    fd = os.open(TRACING / name, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, line.encode() + b"\n")
    finally:
        os.close(fd)


@contextmanager
def written(path: Path, text: str) -> Iterator[None]:
    """A switch at another value for a while."""
    before = path.read_text()
    path.write_text(text)
    try:
        yield
    finally:
        path.write_text(before)


def test_usable_here():
    status, facts, record = examine()
    assert (status, record["usable"]) == (0, True)
    assert [f for f in facts.values() if f["status"] == "bad"] == []


def test_facts_agree_with_the_kernel():
    _, facts, record = examine()
    assert facts["kernel"]["value"] == platform.release()
    assert facts["arch"]["value"] == platform.machine()
    assert facts["user"]["value"].startswith("root")
    assert facts["CONFIG_KPROBES"]["status"] == "ok"
    assert facts["CONFIG_KPROBE_EVENTS"]["status"] == "ok"
    synthetic = (TRACING / "synthetic_events").exists()
    assert (facts["CONFIG_SYNTH_EVENTS"]["status"] == "ok") == synthetic
    assert record["features"]["synthetic_events"] == synthetic
    fprobes = "f[:" in (TRACING / "README").read_text()
    assert (facts["CONFIG_FPROBE_EVENTS"]["status"] == "ok") == record["features"]["fprobe"] == fprobes
    for name, path in {
        "kernel.kptr_restrict": "/proc/sys/kernel/kptr_restrict",
        "kernel.ftrace_enabled": "/proc/sys/kernel/ftrace_enabled",
        "debug.kprobes-optimization": "/proc/sys/debug/kprobes-optimization",
    }.items():
        assert facts[name]["value"][0] == Path(path).read_text()[0]


def test_inferred_options_are_those_that_a_definition_proves():
    """CONFIG_FPROBE_EVENTS is said to be there exactly where the kernel takes an fprobe."""
    _, facts, _ = examine()
    try:
        append("dynamic_events", "f:ktrace_test/doctor vfs_read")
        taken = True
    except OSError:
        taken = False
    if taken:
        append("dynamic_events", "-:ktrace_test/doctor")
    assert (facts["CONFIG_FPROBE_EVENTS"]["status"] == "ok") == taken


def test_as_nobody_it_says_what_to_do():
    status, facts, record = examine(AS_NOBODY)
    assert (status, record["usable"]) == (5, False)
    assert facts["tracefs"]["status"] == "bad"
    assert "sudo" in facts["tracefs"]["advice"]
    assert facts["user"]["advice"] == "sudo ktrace doctor sees more"


def test_ftrace_disabled_is_seen():
    sysctl = Path("/proc/sys/kernel/ftrace_enabled")
    try:
        with written(sysctl, "0"):
            status, facts, _ = examine()
    except OSError as error:
        # 7.3: "The ftrace_enabled file is deprecated and no longer disables ftrace", says dmesg.
        assert (error.errno, sysctl.read_text()) == (errno.EOPNOTSUPP, "1\n")
        assert examine()[1]["kernel.ftrace_enabled"]["status"] == "ok"
        return
    assert (status, facts["kernel.ftrace_enabled"]["advice"]) == (5, "sysctl kernel.ftrace_enabled=1")


def test_disarmed_kprobes_are_seen():
    if not (KPROBES / "enabled").exists():
        pytest.fail("debugfs must be mounted for this test")
    with written(KPROBES / "enabled", "0"):
        status, facts, _ = examine()
    assert (status, facts["kprobes/enabled"]["advice"]) == (5, "ktrace switch on")


def test_others_are_seen():
    instance = TRACING / "instances" / f"other_{os.getpid()}"
    instance.mkdir()
    try:
        (instance / "events/sched/sched_switch/enable").write_text("1")
        _, facts, _ = examine()
    finally:
        instance.rmdir()
    assert instance.name in facts["instances"]["value"]
    assert f"1 in {instance.name}" in facts["events"]["value"]


def test_nothing_is_changed():
    def state():
        files = ("kprobe_events", "dynamic_events", "set_event", "current_tracer", "tracing_on")
        return [(TRACING / name).read_text() for name in files], sorted((TRACING / "instances").iterdir())

    append("kprobe_events", "p:ktrace_test/kept vfs_read")
    try:
        before = state()
        examine()
        assert state() == before
    finally:
        append("kprobe_events", "-:ktrace_test/kept")


def test_the_text_fits_a_terminal():
    done = subprocess.run(DOCTOR, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "kprobes can be used here"
    assert max(map(len, lines)) <= 80
