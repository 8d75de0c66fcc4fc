"""The text of the kernel's own events, from their print fmt: line for line what its `trace` shows.

Addresses (`%p`) are put aside: the kernel scrambles them in its text, and only there.
"""

import ctypes
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ktrace.host.local import LocalHost
from ktrace.model.format import Format
from ktrace.model.miss import Miss
from ktrace.output.printfmt import MARKER, UNKNOWN, Body
from ktrace.output.printfmt.constants import CONSTANTS
from ktrace.session.page_decoder import layout_of
from ktrace.session.session import Session
from ktrace.symbols.btf import Btf
from ktrace.symbols.btf_files import BtfPaths, kernel_types
from ktrace.tracefs.events import all_events, read_format
from tests.kernel.test_raw import read_both
from tests.unit.docs.print_fmt_page import names
from tests.unit.output.printfmt.unknown_names import unknown_names

GROUPS = ("sched", "raw_syscalls", "irq", "irq_vectors", "timer", "writeback", "workqueue", "signal", "task",
          "net", "sock", "tcp", "skb", "napi", "kmem", "filemap", "ext4", "block", "jbd2", "rcu", "tlb",
          "exceptions", "vmscan", "oom", "power", "cgroup", "cpuhp", "migrate", "mmap_lock")  # fmt: skip
SYSCALLS = (
    "openat",
    "access",
    "mkdir",
    "rename",
    "read",
    "write",
    "close",
    "mmap",
    "execve",
    "exit_group",
    "clone",
    "connect",
    "kill",
)

NOT_ALL = ("ftrace", "syscalls", "kprobes", "synthetic", "preemptirq", "lock", "initcall")

# Of these some must have happened: what is done below makes them.
EXPECTED = {"sched_switch", "sched_waking", "sched_process_fork", "sched_process_exec", "sched_process_exit",
            "sys_enter", "sys_exit", "sys_openat", "sys_exit_group", "softirq_entry", "softirq_exit",
            "timer_start", "hrtimer_start", "hrtimer_expire_entry", "workqueue_execute_start",
            "signal_generate", "signal_deliver", "task_newtask", "task_rename", "net_dev_queue",
            "netif_rx", "inet_sock_set_state", "kmalloc", "kmem_cache_free", "mm_page_alloc",
            "rcu_utilization", "page_fault_user",
            "tracing_mark_write"}  # fmt: skip

_POINTER = re.compile(r"\b[0-9a-f]{16}\b|" + re.escape(UNKNOWN))
_EVENT = re.compile(r".{16}-\d+ +\[\d+\] \S+ +[\d.]+: ([\w.]+)")


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(buffer_kb=2048) as made:
        yield made


def activity(session: Session) -> None:
    """A little of everything that a small machine can do."""
    session.files.write("trace_marker", "a marker")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(bytes(70_000))
        path.rename(Path(folder) / "other")
        os.sync()
    own_network()
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            talk(family, address)
        except OSError:
            assert family == socket.AF_INET6  # a machine need not have it
    signal.signal(signal.SIGURG, lambda *_: None)
    subprocess.run(
        ["sh", "-c", "kill -URG $$; sleep 0.01; : < /etc/passwd; nothing_like_it 2>&-"], check=False
    )
    signal.signal(signal.SIGURG, signal.SIG_DFL)


def own_network() -> None:
    """A network of this process alone, in which the machine can talk with itself."""
    assert ctypes.CDLL(None).unshare(0x40000000) == 0  # CLONE_NEWNET
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def talk(family: int, address: str) -> None:
    with socket.socket(family) as server, socket.socket(family) as client:
        server.bind((address, 0))
        server.listen()
        client.connect(server.getsockname())
        other, _ = server.accept()
        with other:
            client.send(b"x" * 100)
            assert other.recv(200)


def masked(line: str) -> str:
    return _POINTER.sub("@", line)


def events_of(lines: list[str]) -> Counter[str]:
    return Counter(match[1] for line in lines if (match := _EVENT.match(line)))


def names_are_known(form: Format) -> bool:
    """Return whether the format names no flag by a constant that only this kernel's headers define."""
    code = re.sub(r'"(?:\\.|[^"\\])*"', "", form.print_fmt)
    return set(re.findall(r"\b_*[A-Z][A-Z0-9_]{2,}\b", code)) - {"REC"} <= CONSTANTS.keys()


def test_every_line_is_the_kernels_own(session: Session, tmp_path: Path) -> None:
    tracing = session.tracing
    for event in all_events(tracing):
        group, _, name = event.partition("/")
        of_call = group == "syscalls" and name.partition("_")[2].partition("_")[2] in SYSCALLS
        # The kernel takes no word of a system call from its format: no constant there is in the way.
        if of_call or (group in GROUPS and names_are_known(read_format(tracing, event))):
            session.trace_event(event)
    size = layout_of(session.files).size
    session.start_pages(size)
    # Not from here: what this process does is never recorded.
    child = os.fork()
    if child == 0:
        try:
            activity(session)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    session.stop()
    read = read_both(session, tmp_path)
    ours = read.lines()
    theirs = read.theirs.read_text(errors="surrogateescape").splitlines()
    theirs = [line for line in theirs if not line.startswith("#")]
    assert not any(MARKER in line for line in ours)
    differing = [(o, t) for o, t in zip(ours, theirs, strict=False) if masked(o) != masked(t)]
    assert differing[:3] == []
    assert len(ours) == len(theirs)
    happened = events_of(theirs)
    print(len(theirs), "lines,", len(happened), "events:", *sorted(happened))
    known = {name.partition("/")[2] for name in session.events} | {"tracing_mark_write"}
    known |= {f"sys_{name}" for name in SYSCALLS}
    assert EXPECTED & known <= set(happened)


def test_raw_markers_and_bytes_of_any_length(session: Session, tmp_path: Path) -> None:
    """`trace_marker_raw`: an id, then any bytes; the record ends with those that fill its last word."""
    session.start_pages(layout_of(session.files).size)
    marker = Path(session.files.root) / "trace_marker_raw"
    for length in (0, 1, 2, 3, 4, 5, 100, 1000):
        with marker.open("wb", buffering=0) as file:
            file.write(struct.pack("=I", 0x100 + length) + bytes(range(256))[:length].ljust(length, b"\xff"))
    for text in (b"no newline", b"a newline\n"):
        with marker.with_name("trace_marker").open("wb", buffering=0) as file:
            file.write(text)
    session.stop()
    read = read_both(session, tmp_path)
    assert read.differences() == []
    assert read.events == 10
    assert "# 100 buf:" in read.lines()[0] and "# 101 buf: 00" in read.lines()[1]


def test_every_event_that_can_be_switched_on(session: Session, tmp_path: Path) -> None:
    """All events at once, but those that record the reading itself or have names that only a header knows."""
    switched = 0
    for event in all_events(session.tracing):
        group, _, _ = event.partition("/")
        if group in (*NOT_ALL, *GROUPS):
            continue
        form = read_format(session.tracing, event)
        if names_are_known(form) and Body(form).problem is None:
            session.trace_event(event)
            switched += 1
    session.start_pages(layout_of(session.files).size)
    child = os.fork()
    if child == 0:
        try:
            activity(session)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    session.stop()
    read = read_both(session, tmp_path)
    ours = read.lines()
    theirs = [
        line for line in read.theirs.read_text(errors="surrogateescape").splitlines() if line[:1] != "#"
    ]
    happened = events_of(theirs)
    print(switched, "events on,", len(theirs), "lines,", len(happened), "events:", *sorted(happened))
    differing = [(o, t) for o, t in zip(ours, theirs, strict=False) if masked(o) != masked(t)]
    assert differing[:5] == []
    assert len(ours) == len(theirs)
    assert len(happened) > 10


def test_formats_of_this_kernel_are_understood(session: Session) -> None:
    """All but those in the tables of docs/print-fmt.md, which say why."""
    programs, listed = names("What is not understood"), names("What is not understood", 1)
    count, problems = 0, []
    for event in all_events(session.tracing):
        if event.startswith("syscalls/"):
            continue  # all of one form, which the kernel itself prints in another
        form = read_format(session.tracing, event)
        count += 1
        body = Body(form)
        if body.problem and form.name not in programs:
            problems.append((event, body.problem, form.print_fmt[:1500]))
        if not body.problem and (others := unknown_names(form) - listed):
            problems.append((event, str(others), ""))
    print(count, "formats")
    assert problems == []


def test_constants_are_those_of_this_kernel() -> None:
    types = kernel_types(BtfPaths(LocalHost()))
    assert isinstance(types, Btf)
    checked = 0
    enums = (
        "vmscan_throttle_state hrtimer_mode fault_flag vm_fault_reason dev_pm_qos_req_type pm_qos_req_action "
        "inode_state_flags_enum xen_lazy_mode xen_mc_flush_reason xen_mc_extend_args cxl_event_log_type "
        "cxl_poison_trace_type cache_tag_type"
    )
    for name in enums.split():
        found = types.enum(name)
        if isinstance(found, Miss):
            continue  # older kernels lack some
        values = dict(found.values)
        mine = {name: value for name, value in CONSTANTS.items() if name in values}
        assert mine == {name: values[name] for name in mine}
        checked += len(mine)
    assert checked > 10
