"""Functions about the current process. Data that events do not carry is read from /proc."""

import os
import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ktrace.script.runtime.numbers import return_str
from ktrace.script.runtime.state import State, bytes_text, python_text
from ktrace.tracefs.pid_namespace import names_proc

_IDS = {"uid": ("Uid", 0), "euid": ("Uid", 1), "suid": ("Uid", 2)}
_IDS |= {"gid": ("Gid", 0), "egid": ("Gid", 1), "sgid": ("Gid", 2)}


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name."""

    def status(field: str, at: int) -> Callable[[int], int]:
        return lambda tid: _status(tid, field, at)

    made: dict[str, Callable[..., Any]] = {name: status(*where) for name, where in _IDS.items()}
    return made | {
        "ppid": lambda pid: _stat(pid, 1),
        "pgrp": lambda pid: _stat(pid, 2),
        "sid": lambda pid: _stat(pid, 3),
        "pexecname": lambda pid: _comm(_stat(pid, 1)),
        "pid2execname": _comm,
        "cmdline_str": lambda pid: " ".join(_command_line(pid)),
        "cmdline_arg": lambda pid, n: dict(enumerate(_command_line(pid))).get(n, ""),
        "cmdline_args": _arguments,
        "target": lambda: state.target,
        "__ktrace_descends": lambda pid: int(_descends(pid, state.target)),
        "task_utime": lambda tid: _ticks(tid, 11),
        "task_stime": lambda tid: _ticks(tid, 12),
        **{f"proc_mem_{name}": _memory(at) for name, at in _MEMORY.items()},
        "registers_valid": lambda function: int(bool(function)),
        "__ktrace_signal_name": _signal_name,
        "__ktrace_device_name": _device_name,
        "__ktrace_syscall_name": lambda number: state.syscalls.get(number, str(number)),
        "stp_pid": os.getpid,
        "env_var": lambda name: bytes_text(os.environ.get(python_text(name), "")),
        "returnstr": lambda value, form: return_str(form, value),
    }


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - 32}" if 32 <= number <= 64 else str(number)


def _device_name(device: int) -> str:
    """Return the name of a block device, by the kernel's internal device number."""
    major, minor = device >> 20, device & 0xFFFFF
    try:
        return Path(f"/sys/dev/block/{major}:{minor}").readlink().name
    except OSError:
        return f"{major},{minor}"


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"{names_proc()}/{pid}/{name}").read_bytes().decode("latin-1")
    except OSError:
        return ""


def _status(pid: int, field: str, at: int) -> int:
    match = re.search(rf"^{field}:\t([\d\t]+)", _read(pid, "status"), re.MULTILINE)
    return int(match[1].split("\t")[at]) if match else 0


def _stat(pid: int, at: int) -> int:
    """Return a field after the name, which may contain anything: state, ppid, pgrp, session."""
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return int(fields[at]) if len(fields) > at else 0


def _descends(pid: int, ancestor: int) -> bool:
    """Return whether a process is `ancestor` or one of its descendants."""
    if not ancestor:
        return False
    for _ in range(100):
        if pid == ancestor:
            return True
        pid = _stat(pid, 1)
        if pid <= 0:
            break
    return False


def _ticks(tid: int, at: int) -> int:
    """Return a task's CPU time in nanoseconds."""
    return _stat(tid, at) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


# Fields of /proc/PID/statm, in pages.
_MEMORY = {"size": 0, "rss": 1, "shr": 2, "txt": 3, "data": 5}


def _memory(at: int) -> Callable[[int], int]:
    def pages(pid: int) -> int:
        found = _read(pid, "statm").split()
        return int(found[at]) if len(found) > at else 0

    return pages


def _comm(pid: int) -> str:
    return _read(pid, "comm").removesuffix("\n")


def _command_line(pid: int) -> list[str]:
    text = _read(pid, "cmdline")
    return text.removesuffix("\0").split("\0") if text else []


def _arguments(pid: int, first: int, last: int = -1, delimiter: str = " ") -> str:
    words = _command_line(pid)
    return delimiter.join(words[first : last + 1 if last >= 0 else None])
