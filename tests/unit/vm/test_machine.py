import os
import subprocess
import sys

from ktrace.host.local import LocalHost
from ktrace.vm import machine
from ktrace.vm.kernels import Kernel
from ktrace.vm.programs import Programs

SPEC = machine.Spec(
    LocalHost(),
    Kernel("V", "/boot/vmlinuz", None),
    Programs("q", "b", "v", ""),
)


def test_the_end_mark_passes_a_terminal_unchanged():
    mark = machine._end_mark()
    assert not any(byte < 0x20 for byte in mark)
    assert mark != machine._end_mark()


def test_without_a_terminal_a_script_is_read_by_a_plain_shell(monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/zsh")
    monkeypatch.setattr(os, "isatty", lambda fd: fd == 1)
    job = machine._job(SPEC)
    assert (job.argv, job.tty, job.one_output) == (("/bin/sh",), False, False)


def test_on_a_terminal_the_users_own_shell(monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/zsh")
    monkeypatch.setattr(os, "isatty", lambda fd: fd != 2)
    job = machine._job(SPEC)
    assert (job.argv, job.tty, job.one_output) == (("/bin/zsh",), True, False)


def test_the_current_folder_is_seen_even_below_tmp(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "hidden", tuple)
    job = machine._job(SPEC)
    assert job.cwd == str(tmp_path)
    assert str(tmp_path) in job.expose


def test_a_folder_that_was_deleted(monkeypatch, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert machine._job(SPEC).cwd == "/"


ASKS = "import sys; from ktrace.vm.machine import _is_one_output as one; sys.exit(one(False) + 10)"


def test_one_output_where_both_go_to_the_same_place(tmp_path):
    """Two streams would arrive in any order, and lines of one within lines of the other."""

    def asked(out, err):
        return subprocess.run([sys.executable, "-c", ASKS], stdout=out, stderr=err, check=False).returncode

    with (tmp_path / "a").open("w") as first, (tmp_path / "b").open("w") as second:
        assert asked(subprocess.PIPE, subprocess.STDOUT) == 11
        assert asked(first, first) == 11
        assert asked(first, second) == 10
        assert asked(subprocess.PIPE, subprocess.PIPE) == 10


def test_an_emulated_guest_has_more_time_after_the_end_of_a_run(monkeypatch):
    monkeypatch.delenv("KTRACE_GRACE", raising=False)
    assert machine._job(SPEC, emulated=True).env["KTRACE_GRACE"] == "10"
    assert "KTRACE_GRACE" not in machine._job(SPEC, emulated=False).env
    monkeypatch.setenv("KTRACE_GRACE", "3")
    assert machine._job(SPEC, emulated=True).env["KTRACE_GRACE"] == "3"
