"""Values of the task that hits a probe, which the probe reads, so that handlers need not ask /proc later.

Each value has the name of the function that returns it. A kernel may not let a probe read it: see
`driver.current_task`. Then a handler gets None, and the function looks into /proc.
"""

from collections.abc import Mapping, Sequence

from ktrace.script.kernel_interface import Read

_TASK = "$current->"  # no script can write this: there is no variable of the kernel with `$` in its name
EACH_CPU = "_cpu"
"""Before the number of a CPU, at the end of a column's name: the task that ran there."""

_PATHS = {
    **{name: (f"cred->{name}.val",) for name in ("uid", "euid", "suid", "gid", "egid", "sgid")},
    # PIDTYPE_PGID and PIDTYPE_SID; the first number is that of the machine's pid namespace.
    "pgrp": ("signal->pids[2]->numbers[0].nr",),
    "sid": ("signal->pids[3]->numbers[0].nr",),
    "ppid": ("real_parent->tgid",),
    "pexecname": ("real_parent->comm",),
    "task_utime": ("utime",),
    "task_stime": ("stime",),
    # In pages; the numbers are MM_FILEPAGES, MM_ANONPAGES and MM_SHMEMPAGES.
    "proc_mem_size": ("mm->total_vm",),
    "proc_mem_rss": ("mm->rss_stat[0].count", "mm->rss_stat[1].count", "mm->rss_stat[3].count"),
    "proc_mem_shr": ("mm->rss_stat[0].count", "mm->rss_stat[3].count"),
    "proc_mem_txt": ("mm->start_code", "mm->end_code"),
    "proc_mem_data": ("mm->data_vm", "mm->stack_vm"),
}
# A pointer on the way that may be null: kernel threads have no memory, a task that has ended has no group.
# A read that fails leaves what the buffer held before, so the pointer is read, too.
_POINTERS = {name: "mm" for name in _PATHS if name.startswith("proc_mem_")}
_POINTERS |= {name: _PATHS[name][0].partition("->numbers")[0] for name in ("pgrp", "sid")}
_PARAM = "own_"

VALUES: Mapping[str, tuple[Read, ...]] = {
    name: tuple(
        Read(_TASK + path, "string" if path.endswith("comm") else "number")
        for path in (*((_POINTERS[name],) if name in _POINTERS else ()), *paths)
    )
    for name, paths in _PATHS.items()
}
"""The reads of each value, by the name of the function that returns it: see `may_be_null`."""


def param_of(function: str) -> str:
    """Return the name of the event data that a function gets: its value at the event, or None."""
    return _PARAM + function


def function_of(param: str) -> str | None:
    """Return the function that gets some event data; None if that is not a value of the task."""
    return param.removeprefix(_PARAM) if param.startswith(_PARAM) else None


def path_of(read: Read) -> str | None:
    """Return the path of a read from the task's struct; None if it reads something else."""
    return read.text.removeprefix(_TASK) if read.text.startswith(_TASK) else None


def may_be_null(function: str) -> bool:
    """Return whether the first read of a value is a pointer, without which the others mean nothing."""
    return function in _POINTERS


def columns_of(function: str, reads: Sequence[Read], columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of an event that hold a function's value; none if it does not have all of them.

    Args:
        reads: what a handler wants of the event.
        columns: the column of each read, "" if the event does not have it.
    """
    found = [columns[reads.index(read)] if read in reads else "" for read in VALUES[function]]
    return tuple(found) if all(found) else ()
