"""Functions about the current process. Data that events do not carry is read from /proc."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from ktrace.host.host import Host
from ktrace.script.language.arithmetic import wrap
from ktrace.script.language.faults import Fault
from ktrace.script.runtime.call_arguments import signal_name
from ktrace.script.runtime.numbers import return_str
from ktrace.script.runtime.state import State, bytes_text, python_text
from ktrace.tracefs.files import Files

_IDS = {"uid": ("Uid", 0), "euid": ("Uid", 1), "suid": ("Uid", 2)}
_IDS |= {"gid": ("Gid", 0), "egid": ("Gid", 1), "sgid": ("Gid", 2)}
# Fields of /proc/PID/statm, in pages.
_MEMORY = {"size": 0, "rss": 1, "shr": 2, "txt": 3, "data": 5}

# In `stat`, priorities count from the first one that is not real-time.
_PRIO_OF_STAT = 100
_STATES = {"R": 0, "S": 1, "D": 2, "T": 4, "t": 8, "X": 16, "Z": 32, "P": 64, "I": 0x402}
_ANCESTORS_MAX = 100
_ALL_IDS = ["0", "0", "4294967295"]  # a namespace that maps each id to itself
# The lines of /proc/PID/limits.
_LIMITS = {
    "cpu": "Max cpu time",
    "fsize": "Max file size",
    "data": "Max data size",
    "stack": "Max stack size",
    "core": "Max core file size",
    "rss": "Max resident set",
    "nproc": "Max processes",
    "nofile": "Max open files",
    "memlock": "Max locked memory",
    "as": "Max address space",
    "locks": "Max file locks",
    "sigpending": "Max pending signals",
    "msgqueue": "Max msgqueue size",
    "nice": "Max nice priority",
    "rtprio": "Max realtime priority",
    "rttime": "Max realtime timeout",
}


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name."""
    tasks = _Tasks(state)

    def status(field: str, at: int) -> Callable[[int], int]:
        return lambda tid: tasks.status(tid, field, at)

    def memory(name: str) -> Callable[..., int]:
        return lambda pid, own=None: tasks.pages(pid, _MEMORY[name]) if own is None else pages_at(name, own)

    def pages_at(name: str, own: "int | tuple[int, ...]") -> int:
        if isinstance(own, int):
            return own
        if name == "txt":
            page = state.host.sysconf("SC_PAGE_SIZE")
            return -(-own[1] // page) - own[0] // page
        return sum(max(count, 0) for count in own)  # a CPU's part may not be added yet

    made: dict[str, Callable[..., Any]] = {}
    made |= {name: _at_event(status(*where)) for name, where in _IDS.items()}
    return (
        _of_numbers(tasks)
        | made
        | {
            "__ktrace_pstrace": tasks.chain,
            "ppid": _at_event(tasks.parent),
            "pgrp": _at_event(lambda pid: tasks.stat(pid, 2)),
            "sid": _at_event(lambda pid: tasks.stat(pid, 3)),
            "pexecname": _at_event(lambda pid, ts: tasks.comm(ts, tasks.parent(pid, ts))),
            "pid2execname": tasks.comm,
            "cmdline_str": lambda pid, ts: " ".join(tasks.command_line(pid, ts)),
            "cmdline_arg": lambda pid, ts, n: dict(enumerate(tasks.command_line(pid, ts))).get(n, ""),
            "cmdline_args": tasks.arguments,
            "target": lambda: state.target,
            "__ktrace_descends": lambda pid: int(tasks.descends(pid, state.target)),
            "task_utime": _at_event(lambda tid: tasks.cpu_time(tid, 11)),
            "task_stime": _at_event(lambda tid: tasks.cpu_time(tid, 12)),
            **{f"proc_mem_{name}": memory(name) for name in _MEMORY},
            "registers_valid": lambda function: int(bool(function)),
            "__ktrace_signal_name": signal_name,
            "__ktrace_device_name": lambda device: _device_name(state.host, device),
            "__ktrace_syscall_name": lambda number: state.syscalls.get(number, str(number)),
            "syscall_num": lambda name: next((n for n, one in state.syscalls.items() if one == name), -1),
            "sprint_loadavg": lambda: " ".join(_loads(state.host)),
            "get_loadavg_index": lambda at: int(float(_loads(state.host)[at]) * 2048) if 0 <= at < 3 else 0,
            "stp_pid": state.host.pid,
            "module_name": lambda: f"ktrace_{state.host.pid()}",
            "env_var": tasks.variable,
            "returnstr": lambda value, form: return_str(form, value),
        }
    )


def _of_numbers(tasks: "_Tasks") -> dict[str, Callable[..., Any]]:
    """Return the functions of tasks that are known by number."""

    def status(field: str, at: int) -> Callable[[int], int]:
        return lambda tid: tasks.status(tid, field, at)

    def limit(line: str) -> Callable[[int], int]:
        return lambda tid: tasks.limit(tid, line)

    made: dict[str, Callable[..., Any]] = {}
    made |= {f"__ktrace_task_{name}": status(*where) for name, where in _IDS.items()}
    return made | {
        "__ktrace_task": lambda number: number,
        "__ktrace_task_pid": status("Tgid", 0),
        "__ktrace_task_parent": lambda ts, tid: tasks.parent(tid, ts),
        "__ktrace_task_prio": lambda tid: tasks.stat(tid, 15) + _PRIO_OF_STAT if tasks.exists(tid) else 0,
        "__ktrace_task_nice": lambda tid: tasks.stat(tid, 16),
        "__ktrace_task_state": tasks.state,
        "__ktrace_task_cpu": lambda tid: tasks.stat(tid, 36),
        "__ktrace_task_start_time": lambda tid: tasks.cpu_time(tid, 19),
        "__ktrace_task_utime": lambda tid: tasks.cpu_time(tid, 11),
        "__ktrace_task_stime": lambda tid: tasks.cpu_time(tid, 12),
        "__ktrace_task_open_files": tasks.open_files,
        "__ktrace_task_max_files": status("FDSize", 0),
        **{f"__ktrace_task_limit_{name}": limit(line) for name, line in _LIMITS.items()},
        "__ktrace_first_pids": tasks.first_pids,
        "__ktrace_first_users": tasks.first_users,
    }


def _at_event(later: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose last argument is its value at the event; it calls `later` if that is None."""

    def value(*args: Any) -> Any:
        return later(*args[:-1]) if args[-1] is None else args[-1]

    return value


class _Tasks:
    """Reads what /proc knows of a task; an empty text or 0 where it knows nothing."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._host = state.host
        self._told: set[str] = set()

    @cached_property
    def _proc(self) -> Files:
        from ktrace.tracefs.pid_namespace import names_proc  # noqa: PLC0415 -- few scripts need it

        return names_proc(self._host)

    def status(self, pid: int, field: str, at: int) -> int:
        """Return a number in a line of `status`."""
        match = re.search(rf"^{field}:\t([\d\t]+)", self._read(pid, "status"), re.MULTILINE)
        return int(match[1].split("\t")[at]) if match else 0

    def stat(self, pid: int, at: int) -> int:
        """Return a field after the name, which may contain anything: state, ppid, pgrp, session."""
        fields = self._read(pid, "stat").rpartition(")")[2].split()
        return int(fields[at]) if len(fields) > at else 0

    def limit(self, pid: int, line: str) -> int:
        """Return a soft limit of a process; -1 if it has none."""
        match = re.search(rf"^{line} +(\d+|unlimited)", self._read(pid, "limits"), re.MULTILINE)
        return 0 if match is None else -1 if match[1] == "unlimited" else wrap(int(match[1]))

    def first_pids(self, number: int) -> int:
        """Return a process's id. Raises Fault if ktrace runs in another pid namespace than the machine's."""
        from ktrace.tracefs.pid_namespace import in_namespace, own_proc  # noqa: PLC0415 -- as above

        if in_namespace(own_proc(self._host)):
            raise Fault("ids in this pid namespace are not known: pid() is the machine's")
        return number

    def first_users(self, number: int) -> int:
        """Return a user's id. Raises Fault if ktrace runs in another user namespace than the machine's."""
        try:
            known = self._host.read("/proc/self/uid_map").split() == _ALL_IDS
        except OSError:
            known = True  # a kernel without user namespaces
        if not known:
            raise Fault("ids in this user namespace are not known: uid() is what /proc shows")
        return number

    def exists(self, pid: int) -> bool:
        """Return whether /proc knows the task."""
        return bool(self._read(pid, "stat"))

    def state(self, pid: int) -> int:
        """Return the state as the kernel's number: 0 while the task runs."""
        fields = self._read(pid, "stat").rpartition(")")[2].split()
        return _STATES.get(fields[0], 0) if fields else 0

    def open_files(self, pid: int) -> int:
        """Return the number of open files."""
        try:
            return len(self._proc.list(f"{pid}/fd"))
        except OSError:
            self._tell("fd")
            return 0

    def chain(self, ts: int, pid: int) -> str:
        """Return the names and numbers of a process and its ancestors, up to the one that init started."""
        found: list[str] = []
        while pid > 1 and len(found) < _ANCESTORS_MAX and (name := self.comm(ts, pid)):
            found.append(f"{name}({pid})")
            pid = self.parent(pid, ts)
        return " ".join(found)

    def descends(self, pid: int, ancestor: int) -> bool:
        """Return whether a process is `ancestor` or one of its descendants."""
        if not ancestor:
            return False
        for _ in range(100):
            if pid == ancestor:
                return True
            pid = self.stat(pid, 1)
            if pid <= 0:
                break
        return False

    def cpu_time(self, tid: int, at: int) -> int:
        """Return a task's CPU time in nanoseconds."""
        return self.stat(tid, at) * 1_000_000_000 // self._host.sysconf("SC_CLK_TCK")

    def pages(self, pid: int, at: int) -> int:
        """Return a field of `statm`."""
        found = self._read(pid, "statm").split()
        return int(found[at]) if len(found) > at else 0

    def parent(self, pid: int, ts: int) -> int:
        """Return the parent that a process had at a time."""
        return self._state.tasks.parent(pid, ts) or self.stat(pid, 1)

    def comm(self, ts: int, pid: int) -> str:
        """Return the name that a task had at a time."""
        name = self._state.tasks.name(pid, ts)
        return self._read(pid, "comm").removesuffix("\n") if name is None else bytes_text(name)

    def command_line(self, pid: int, ts: int) -> Sequence[str]:
        """Return the arguments that a process had at a time."""
        program = self._state.tasks.program(pid, ts)
        text = "" if program is not None and not program.is_cut else self._read(pid, "cmdline")
        if program is not None and not text:
            return program.arguments
        return text.removesuffix("\0").split("\0") if text else []

    def variable(self, pid: int, ts: int, name: str) -> str:
        """Return a variable of the environment that a process was started with."""
        if pid == self._host.pid():
            return bytes_text(os.environ.get(python_text(name), ""))  # what ktrace was started with
        program = self._state.tasks.program(pid, ts)
        text = self._read(pid, "environ")
        words = text.split("\0") if text or program is None else program.environment
        return dict(word.partition("=")[::2] for word in words).get(name, "")

    def arguments(self, pid: int, ts: int, first: int, last: int = -1, delimiter: str = " ") -> str:
        """Return some of a process's arguments, joined."""
        words = self.command_line(pid, ts)
        return delimiter.join(words[first : last + 1 if last >= 0 else None])

    def _read(self, pid: int, name: str) -> str:
        try:
            return self._proc.read_bytes(f"{pid}/{name}").decode("latin-1")
        except OSError:
            if pid > 0:  # an idle task is not a process, and has no ids but 0
                self._tell(name)
            return ""

    def _tell(self, name: str) -> None:
        """Warn once for each file of /proc that could not be read, since a process had ended."""
        if name not in self._told:
            self._told.add(name)
            self._state.warn(
                f"WARNING: /proc/PID/{name} of a process that had ended is not known: it is 0 or empty"
            )


def _loads(host: Host) -> list[str]:
    """Return the load of 1, 5 and 15 minutes as text."""
    return host.read("/proc/loadavg").split()[:3]


def _device_name(host: Host, device: int) -> str:
    """Return the name of a block device, by the kernel's internal device number."""
    major, minor = device >> 20, device & 0xFFFFF
    try:
        return host.readlink(f"/sys/dev/block/{major}:{minor}").rpartition("/")[2]
    except OSError:
        return f"{major},{minor}"
