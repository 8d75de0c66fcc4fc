"""Nobody but `ktrace/host` opens files of the traced machine, or asks what machine it is."""

from pathlib import Path

import pytest

from tests.unit.host.openings import openings, questions

ROOT = Path(__file__).resolve().parents[3] / "ktrace"
MODULES = sorted(p for p in ROOT.rglob("*.py") if p.relative_to(ROOT).parts[0] != "host")
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]

# Modules that open files by themselves: those of the user who runs ktrace, on the machine that it runs on.
OWN = {
    "capture/record.py": "how large the recording is",
    "cli/commands/add.py": "a list of probes",
    "cli/config.py": "the settings of the user",
    "cli/main.py": "/dev/null",
    "cli/script_words.py": "a script",
    "output/formats/flamegraph.py": "a part of the program",
    "script/driver/program_cache.py": "a part of the program",
    "script/runtime/call_arguments.py": "a part of the program",
    "script/serving/folder.py": "the folder that files are served below",
    "script/tapset/__init__.py": "a part of the program",
    "script/tapset/directories.py": "tapsets of the user",
    "script/tapset/syscall_table.py": "a part of the program",
    "session/patient_output.py": "/dev/null",
    "storage/cache.py": "the user's cache",
    "storage/destination.py": "outputs",
    "storage/input.py": "inputs",
    "storage/private.py": "the user's cache",
    "storage/streams.py": "/dev/null",
    "storage/target.py": "outputs",
    "stream/workers.py": "a pipe to its own processes",
    "symbols/dwarf/sources.py": "the kernel's sources, where the user has them",
    "symbols/elf.py": "--vmlinux FILE, and the user's cache",
    "symbols/syscall_numbers.py": "a part of the program",
    "texts/format_files.py": "--formats DIR, a copy of a traced machine's formats",
    "tracedat/reader.py": "recordings",
    "tracedat/unfinished.py": "recordings",
    "tracefs/text_file.py": "recorded text",
    "vm/accel.py": "/dev/kvm",
    "vm/apt_sources.py": "where packages come from",
    "vm/debian.py": "packages and the user's cache",
    "vm/initramfs.py": "busybox, for the guest",
    "vm/job.py": "the directory that the guest is to see",
    "vm/kernels.py": "--kernel FILE, and the user's cache",
    "vm/machine.py": "/dev/null",
    "vm/modules.py": "a guest kernel's modules",
    "vm/programs.py": "programs that run the guest",
}


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_the_machine_is_asked_through_a_host(path: Path) -> None:
    source = path.read_text()
    found = openings(source)
    assert [f"{one.line}: {one.text}" for one in found if one.on_machine] == []
    assert questions(source) == []
    if str(path.relative_to(ROOT)) not in OWN:
        assert [f"{one.line}: {one.text}" for one in found] == [], "through a Host, or the user's own file?"


@pytest.mark.parametrize("name", OWN)
def test_no_module_is_listed_in_vain(name: str) -> None:
    assert openings((ROOT / name).read_text())


@pytest.mark.parametrize(
    "line",
    [
        "open('/proc/modules')",
        "open(f'/proc/{pid}/maps', 'rb')",
        "os.open('/sys/kernel/notes', os.O_RDONLY)",
        "os.listdir('/boot')",
        "os.path.exists('/sys/kernel/tracing')",
        "Path('/proc/cpuinfo').read_text('ascii')",
        "Path('/proc') .joinpath('self').iterdir()",
        "(Path('/sys') / 'module').exists()",
        "NAME = '/proc/modules'\nopen(NAME)",
        "NAME = '/proc/modules'\ndef f(): return Path(NAME).read_bytes()",
        "def f(path='/proc/modules'): return Path(path).read_text()",
        "def f(*, path='/proc/modules'): return open(path)",
        "class A:\n    btf: Path = Path('/sys/kernel/btf')\n(A.btf / 'vmlinux').read_bytes()",
        "base = '/proc'\npath = f'{base}/self/status'\nopen(path)",
        "for path in ('/boot/config', '/proc/config.gz'):\n    Path(path).read_bytes()",
    ],
)
def test_openings_of_the_machines_files_are_found(line: str) -> None:
    assert [one for one in openings(line) if one.on_machine]


@pytest.mark.parametrize(
    "line",
    ["host.read('/proc/modules')", "host.exists(f'/proc/{pid}')", "files.read_bytes('trace')",
     "self.stat(path)",
     "machine.read('/proc/cmdline', 5)", "hint = 'cat /proc/kallsyms'", "Elf.open(path)", "proc.list('')"],
)  # fmt: skip
def test_a_host_may_be_asked(line: str) -> None:
    assert openings(line) == []


@pytest.mark.parametrize("line", ["open(name)", "path.open('rb')", "path.read_bytes()", "os.stat(name)"])
def test_other_openings_are_told_apart(line: str) -> None:
    assert [one.on_machine for one in openings(line)] == [False]


@pytest.mark.parametrize(
    "line",
    ["os.uname().machine", "platform.machine()", "from platform import release", "from os import uname",
     "os.sysconf('SC_PAGE_SIZE')", "import psutil", "from psutil import Process"],
)  # fmt: skip
def test_questions_are_found(line: str) -> None:
    assert questions(line)


def test_pythons_own_version_may_be_asked() -> None:
    assert questions("platform.python_version()") == []
