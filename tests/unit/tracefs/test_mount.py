import errno
import os
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ktrace.diagnostic import Diagnostic, render
from ktrace.errors import Exhausted, Unavailable
from ktrace.host.folder import FolderHost
from ktrace.host.local import LocalHost
from ktrace.tracefs import mount
from ktrace.tracefs.files import Files
from ktrace.tracefs.lockdown import lockdown_mode, mode_asked_for, present_mode
from ktrace.tracefs.mount import Mount, find_mount, parse_mounts, without_root


def test_lines_of_mounts():
    text = "proc /proc proc rw,nosuid 0 0\nnodev /my\\040dir\\134x tracefs rw 0 0\nshort line\n\n"
    assert parse_mounts(text) == (
        Mount("proc", "/proc", "proc", ("rw", "nosuid")),
        Mount("nodev", "/my dir\\x", "tracefs", ("rw",)),
    )


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
@example("/mnt/a€\\040\t\n#é")
def test_any_directory_can_be_mounted_on(path):
    """The kernel escapes blank, tab, newline, backslash and # as octal, and prints the rest as it is."""
    escaped = "".join(f"\\{ord(ch):03o}" if ch in " \t\n\\#" else ch for ch in path)
    line = f"nodev /{escaped} tracefs rw 0 0\n"
    assert [m.path for m in parse_mounts(line)] == ["/" + path]


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        ([], None),
        (["/a"], "/a"),
        (["/long/name", "/pref", "/a"], "/pref"),
        (["/long/name", "/a"], "/a"),
    ],
)
def test_the_preferred_directory_else_the_shortest(tmp_path, mounts, found):
    (tmp_path / "proc/self").mkdir(parents=True)
    host, file = FolderHost(tmp_path), tmp_path / "proc/self/mounts"
    file.write_text("proc /proc proc rw 0 0\n" + "".join(f"x {m} tracefs rw 0 0\n" for m in mounts))
    assert find_mount(host, "tracefs", "/pref") == found


def test_a_mount_of_somebody_whose_name_is_no_utf8_is_in_nobodys_way(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    host, file = FolderHost(tmp_path), tmp_path / "proc/self/mounts"
    file.write_bytes(b"x /media/caf\xe9\\040x vfat rw 0 0\nx /sys/kernel/tracing tracefs rw 0 0\n")
    assert find_mount(host, "tracefs", "/pref") == "/sys/kernel/tracing"
    assert os.fsencode(find_mount(host, "vfat", "/pref")) == b"/media/caf\xe9 x"


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("[none] integrity confidentiality\n", "none"),
        ("none [integrity] confidentiality\n", "integrity"),
        ("none integrity [confidentiality]\n", "confidentiality"),
        ("", None),
    ],
)
def test_lockdown(tmp_path, text, mode):
    (tmp_path / "lockdown").write_text(text)
    assert lockdown_mode(LocalHost(), str(tmp_path)) == mode


def test_a_kernel_without_lockdown(tmp_path):
    assert lockdown_mode(LocalHost(), str(tmp_path)) is None


class Here:
    """The facts about a machine that `why_unusable` gets."""

    def __init__(self, tmp_path, monkeypatch) -> None:
        self.root = tmp_path / "tracing"
        self.root.mkdir()
        self.files = Files(LocalHost(), str(self.root))
        self.may = {os.X_OK: True}
        self.lockdown = "none"
        self.euid = 0
        self.mounts = {"tracefs": str(self.root)}
        monkeypatch.setattr(mount, "DEBUG", str(tmp_path / "debug"))
        monkeypatch.setattr(mount, "present_mode", lambda host: self.lockdown)
        self.refused = 0
        append = mount._why_no_append
        monkeypatch.setattr(mount, "_why_no_append", lambda host, path: self.refused or append(host, path))
        monkeypatch.setattr(mount, "find_mount", lambda host, fstype, preferred: self.mounts.get(fstype))
        monkeypatch.setattr(LocalHost, "euid", lambda host: self.euid)
        real = LocalHost.may
        monkeypatch.setattr(
            LocalHost, "may", lambda host, path, mode: self.may[mode] and real(host, path, mode)
        )

    def has(self, *names):
        for name in names:
            (self.root / name).write_text("")


@pytest.fixture
def here(tmp_path, monkeypatch):
    return Here(tmp_path, monkeypatch)


def problem(here):
    with pytest.raises(Unavailable) as error:
        mount.find_tracing(LocalHost())
    return error.value


def test_all_is_well(here):
    here.has("README", "kprobe_events")
    assert mount.find_tracing(LocalHost()).root == str(here.root)


def test_not_mounted(here):
    here.mounts = {}
    assert problem(here).message == "tracefs is not mounted"
    assert problem(here).hint == "mount -t tracefs nodev /sys/kernel/tracing"
    here.euid = 1000
    assert problem(here).message == "no permission to use /sys/kernel/tracing"


def test_reached_through_debugfs(here, tmp_path):
    here.mounts = {}
    (tmp_path / "debug/tracing").mkdir(parents=True)
    (tmp_path / "debug/tracing/README").write_text("")
    (tmp_path / "debug/tracing/kprobe_events").write_text("")
    assert mount.find_tracing(LocalHost()).root == str(tmp_path / "debug/tracing")


def test_may_not_be_entered(here):
    here.has("README", "kprobe_events")
    here.may[os.X_OK] = False
    here.refused = errno.EACCES
    here.euid = 1000
    found = problem(here)
    assert found.message == f"no permission to use {here.root}"
    assert "sudo ktrace" in found.hint and "setpriv" in found.hint


def test_may_not_be_written(here):
    here.has("README", "kprobe_events")
    here.refused = errno.EACCES
    here.euid = 1000
    assert problem(here).message == f"no permission to use {here.root}/kprobe_events"
    here.euid = 0
    assert problem(here).message == f"{here.root}/kprobe_events cannot be written even by root"


def test_empty(here):
    assert problem(here).message.startswith(f"{here.root} is empty")
    assert "lockdown=confidentiality" in problem(here).message
    assert "cat /sys/kernel/security/lockdown" in problem(here).hint and "ktrace vm" in problem(here).hint


def test_no_kprobes(here):
    here.has("README")
    found = problem(here)
    assert "CONFIG_KPROBE_EVENTS" in found.message
    assert "ktrace doctor" in found.hint and "ktrace vm" in found.hint


@pytest.mark.parametrize("present", [("README", "kprobe_events"), ()])
def test_locked_down(here, present):
    here.has(*present)
    here.lockdown = "confidentiality"
    here.refused = errno.EPERM if present else 0
    assert problem(here).message == "this kernel is locked down (confidentiality): it refuses all tracing"


def test_root_that_is_refused_is_locked_out_even_where_nothing_says_so(here):
    here.has("README", "kprobe_events")
    here.lockdown = None
    here.refused = errno.EPERM
    assert "locked down (confidentiality)" in problem(here).message and "inferred" in problem(here).message


def test_too_many_open_files_are_not_a_lack_of_rights(here):
    here.has("README", "kprobe_events")
    here.refused = errno.EMFILE
    with pytest.raises(Exhausted, match="too many open files"):
        mount.find_tracing(LocalHost())


@pytest.mark.parametrize(
    ("cmdline", "mode"),
    [
        ("quiet lockdown=integrity", "integrity"),
        ("lockdown=confidentiality lockdown=integrity", "confidentiality"),
        ("quiet -- lockdown=integrity", None),
        ("", None),
    ],
)
def test_the_command_line_says_it_where_securityfs_does_not(tmp_path, cmdline, mode):
    host, security = FolderHost(tmp_path), tmp_path / "sys/kernel/security"
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text(cmdline + "\n")
    assert present_mode(host) == mode
    assert mode_asked_for(cmdline) == (mode or "none")
    security.mkdir(parents=True)
    (security / "lockdown").write_text("[none] integrity confidentiality\n")
    assert present_mode(host) == "none"


def test_integrity_leaves_tracing_alone(here):
    here.has("README", "kprobe_events")
    here.lockdown = "integrity"
    assert mount.why_unusable(here.files) is None


def test_debugfs(here):
    assert mount.find_debug(LocalHost()) is None
    here.mounts["debugfs"] = "/d"
    assert mount.find_debug(LocalHost()).root == "/d"


def test_the_command_of_the_hint_can_be_pasted() -> None:
    """It is printed as it is, on as many lines as it needs, of which a shell makes one."""
    printed = render(Diagnostic("no", hint=without_root())).splitlines()
    at = next(n for n, line in enumerate(printed) if "setpriv" in line)
    script = 'sudo() { printf "%s\\n" "$@"; }\n' + "\n".join(printed[at:])
    words = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    assert words[0] == "setpriv" and words[-2:] == ["ktrace", "..."]
    assert f"--reuid={os.getuid()}" in words and "--ambient-caps=+dac_override" in words
    assert max(map(len, printed)) <= 80
