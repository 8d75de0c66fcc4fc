"""A folder that stands for a machine, and what asks it: all of it sees that machine and not this one."""

import errno
import os
from pathlib import Path

import pytest

from ktrace.doctor.machine import Machine
from ktrace.doctor.report import examine
from ktrace.errors import NotFound, Unavailable
from ktrace.host.folder import UNAME, FolderHost
from ktrace.kernel.kernel import Kernel
from ktrace.session.tasks import threads_of
from ktrace.tracefs.holding import Life, look_for
from ktrace.tracefs.instances import Owner
from ktrace.tracefs.mount import find_debug, find_tracing

TRACING = "/sys/kernel/tracing"


class Built(FolderHost):
    """A machine of which each test writes the files."""

    def __init__(self, root: Path, **how: object) -> None:
        super().__init__(root, **how)  # type: ignore[arg-type]
        self.folder = root

    def put(self, path: str, text: str) -> None:
        place = self.folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def process(self, pid: int, *, parent: int = 1, state: str = "S (sleeping)", start: int = 100) -> None:
        self.put(f"/proc/{pid}/status", f"Name:\tx\nState:\t{state}\nPPid:\t{parent}\nNSpid:\t{pid}\n")
        fields = " ".join(["0"] * 18 + [str(start)] + ["0"] * 30)
        self.put(f"/proc/{pid}/stat", f"{pid} (x) {state[0]} {fields}")
        self.put(f"/proc/{pid}/task/{pid}/comm", "x\n")


@pytest.fixture
def host(tmp_path: Path) -> Built:
    host = Built(tmp_path, pid=7)
    host.put("/proc/self/mounts", f"nodev {TRACING} tracefs rw 0 0\nnodev /debug debugfs rw 0 0\n")
    host.process(7)
    (tmp_path / "proc/self").mkdir(exist_ok=True)
    for name in ("stat", "status"):
        host.put(f"/proc/self/{name}", (tmp_path / f"proc/7/{name}").read_text())
    host.put(f"{TRACING}/kprobe_events", "")
    host.put(f"{TRACING}/README", "  Format: hist:keys=<field1>\n")
    host.put("/debug/kprobes/blacklist", "0x10-0x20\tasm_exc\n")
    host.put("/proc/kallsyms", "ffffffff81000000 T only_there\n")
    host.put("/proc/modules", "there 1 0 - Live 0x0\n")
    return host


def test_paths_stay_below_the_folder(host: Built, tmp_path: Path) -> None:
    assert host.read("/proc/modules").startswith("there")
    assert not host.exists(str(tmp_path)), "this machine's own files are not there"
    host.append("/proc/modules", b"too 1 0 - Live 0x0\n")
    assert (tmp_path / "proc/modules").read_text().endswith("too 1 0 - Live 0x0\n")
    assert (host.uname(), host.euid(), host.pid()) == (UNAME, 0, 7)
    assert host.sysconf("SC_PAGE_SIZE") == 4096


def test_a_file_that_refuses_to_be_written(tmp_path: Path) -> None:
    host = Built(tmp_path, refuse={"/f": errno.EPERM})
    host.put("/f", "")
    host.put("/g", "")
    with pytest.raises(PermissionError):
        host.check_append("/f")
    host.check_append("/g")


def test_it_has_processes_that_no_signal_reaches_and_no_programs(host: Built) -> None:
    assert host.is_running(7) and not host.is_running(8)
    with pytest.raises(PermissionError):
        host.kill(7, 9)
    with pytest.raises(FileNotFoundError):
        host.start(["true"])


def test_the_kernel_is_that_of_the_folder(host: Built) -> None:
    tracing, debug = find_tracing(host), find_debug(host)
    kernel = Kernel(tracing, debug)
    assert (tracing.root, tracing.host, kernel.host) == (TRACING, host, host)
    assert kernel.machine == "x86_64"
    assert kernel.symbols.has_function("only_there") and not kernel.symbols.has_function("vfs_read")
    assert kernel.is_loaded("there") and not kernel.is_loaded("ext4")
    assert kernel.features.hist_triggers
    assert kernel.blacklist == "0x10-0x20\tasm_exc\n"
    with pytest.raises(NotFound, match=r"6\.12\.0-test") as error:
        kernel.debug_info()
    assert "/usr/lib/debug/boot/vmlinux-6.12.0-test: there is no such file" in error.value.message


def test_its_tracing_directory_may_be_out_of_reach(tmp_path: Path) -> None:
    user = Built(tmp_path, euid=1000)
    user.put("/proc/self/mounts", "")
    with pytest.raises(Unavailable, match="no permission to use"):
        find_tracing(user)
    root = Built(tmp_path)
    with pytest.raises(Unavailable, match="not mounted"):
        find_tracing(root)
    assert find_debug(root) is None


def test_threads_are_those_of_its_processes(host: Built) -> None:
    host.process(20)
    host.put("/proc/20/task/21/comm", "x\n")
    host.process(30, parent=20)
    host.process(31, parent=30)
    host.process(40, state="Z (zombie)")
    assert threads_of(host, [20], children=False) == [20, 21]
    assert threads_of(host, [20], children=True) == [20, 21, 30, 31]
    with pytest.raises(NotFound, match="has ended"):
        threads_of(host, [40], children=False)
    with pytest.raises(NotFound, match=f"no process {os.getpid()}1"):
        threads_of(host, [int(f"{os.getpid()}1")], children=False)


def test_a_process_without_a_readable_status_is_hidden_and_not_missing(host: Built) -> None:
    (host.folder / "proc/50").mkdir()
    with pytest.raises(Unavailable, match="hidepid"):
        threads_of(host, [50], children=False)


def test_a_session_is_judged_by_its_processes(host: Built) -> None:
    me = Owner.of_this_process(host)
    assert (me.pid, me.starttime) == (7, 100)
    host.process(60, start=5)
    same_id = Owner.of_process(host, 60)
    assert same_id is not None
    assert look_for(host, same_id).life is Life.ALIVE
    assert look_for(host, Owner(60, 6)).life is Life.DEAD
    assert look_for(host, Owner(61, 5)).life is Life.DEAD


def test_the_doctor_examines_the_folder(host: Built) -> None:
    facts = {fact.name: fact for fact in examine(Machine(host)).facts}
    assert facts["kernel"].value == "6.12.0-test"
    assert facts["tracefs"].status == "ok"
    assert facts["kallsyms"].value == "names and addresses"
