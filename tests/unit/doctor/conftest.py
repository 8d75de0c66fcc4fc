"""A kernel as a directory: what the doctor reads, built file by file."""

import os
from pathlib import Path

import pytest

from ktrace.doctor.machine import Machine
from ktrace.host.folder import FolderHost

RELEASE = "6.12.0-test"
README = """\
tracing mini-HOWTO:
  place: <func>[%return]
      f[:[<group>/][<event>]] <func-name>[%return] [<args>]
      t[:[<group>/][<event>]] <tracepoint> [<args>]
      hist:keys=<field1[,field2,...]>
"""
ALL_OPTIONS = (
    "KPROBES",
    "KPROBE_EVENTS",
    "FPROBE_EVENTS",
    "HIST_TRIGGERS",
    "SYNTH_EVENTS",
    "DEBUG_INFO_BTF",
    "KALLSYMS_ALL",
)


class Tree:
    """Files below a temporary directory that stands for /."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str | bytes) -> None:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)

    def remove(self, path: str) -> None:
        (self.root / path.lstrip("/")).unlink()

    def mount(self, *lines: str) -> None:
        self.write("/proc/self/mounts", "".join(f"{line}\n" for line in lines))

    def machine(
        self, *, euid: int = 0, arch: str = "x86_64", refuse: dict[str, int] | None = None
    ) -> Machine:
        uname = os.uname_result(("Linux", "folder", RELEASE, "#1", arch))
        return Machine(FolderHost(self.root, uname=uname, euid=euid, refuse=refuse))

    def refusing(self, error: int, *, euid: int = 0) -> Machine:
        """The machine, with an open(2) for writing that fails."""
        return self.machine(euid=euid, refuse={"/sys/kernel/tracing/kprobe_events": error})


@pytest.fixture
def bare(tmp_path: Path) -> Tree:
    """A machine on which there is nothing at all, not even /proc."""
    return Tree(tmp_path)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A machine where all is well."""
    tree = Tree(tmp_path)
    tracing, debug = "/sys/kernel/tracing", "/sys/kernel/debug"
    tree.mount(
        f"nodev {tracing} tracefs rw 0 0",
        f"nodev {debug} debugfs rw 0 0",
        "nodev /sys/kernel/security securityfs rw 0 0",
    )
    tree.write("/proc/filesystems", "nodev\ttracefs\nnodev\tdebugfs\nnodev\tsecurityfs\n")
    tree.write("/proc/cmdline", "quiet\n")
    tree.write("/proc/self/uid_map", "         0          0 4294967295\n")
    tree.write("/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n")
    (tmp_path / "proc/self/ns").mkdir()
    (tmp_path / "proc/self/ns/pid").symlink_to("pid:[4026531836]")
    tree.write("/proc/kallsyms", "0000000000000000 A fixed_percpu_data\nffffffff81000000 T _text\n")
    for name, value in {
        "kernel/ftrace_enabled": "1",
        "kernel/kptr_restrict": "1",
        "kernel/perf_event_paranoid": "2",
        "debug/kprobes-optimization": "1",
    }.items():
        tree.write(f"/proc/sys/{name}", value + "\n")
    tree.write(f"/boot/config-{RELEASE}", "".join(f"CONFIG_{name}=y\n" for name in ALL_OPTIONS))
    tree.write("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n")
    tree.write("/sys/kernel/btf/vmlinux", b"\x9f\xeb")
    tree.write(f"{tracing}/README", README)
    for name in ("kprobe_events", "uprobe_events", "synthetic_events", "snapshot", "set_event"):
        tree.write(f"{tracing}/{name}", "")
    tree.write(f"{tracing}/current_tracer", "nop\n")
    (tmp_path / "sys/kernel/tracing/instances").mkdir()
    tree.write(f"{debug}/kprobes/enabled", "1\n")
    tree.write(f"{debug}/kprobes/list", "ffffffff812c0e54  k  kernel_clone+0x4    [FTRACE]\n")
    tree.write(f"{debug}/kprobes/blacklist", "0xffffffff81000000-0xffffffff81000010\tasm_exc\n")
    return tree
