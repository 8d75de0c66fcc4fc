"""Follow tasks by the kernel's events, so that handlers know what was true of a task at their own event.

A record has the id of its thread. The kernel saves a task's name when it is switched out, which is late for a
program that has just been started, and /proc forgets a process that has ended.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Strings
from ktrace.ringbuffer.decode import Decoder, Selection
from ktrace.ringbuffer.records import Records
from ktrace.script.runtime.state import bytes_text
from ktrace.script.runtime.tasks import Program, Tasks
from ktrace.stream.saved_names import SavedNames
from ktrace.tracefs.files import Files
from ktrace.tracefs.processes import comm_of

NAMES = ("task/task_rename", "task/task_newtask")
"""Events that tell the names of tasks."""

LIVES = (*NAMES, "sched/sched_process_exit")
"""Events that tell the parents of processes, too."""

EXEC = "ktrace_exec"
"""The event of a probe that reads the arguments of a program that is started."""

_THREAD, _SAME_PARENT = 0x10000, 0x8000  # CLONE_THREAD, CLONE_PARENT
_KNOWN_MAX = 1 << 16


class PresentNames:
    """The names of tasks as /proc has them now, or as the kernel saved them; each is looked up once.

    Args:
        saved: returns the text of the kernel's saved_cmdlines.
        proc: a /proc with the ids of events.
    """

    def __init__(self, saved: Callable[[], str], proc: Files) -> None:
        self._saved = saved
        self._proc = proc
        self._known: dict[int, str] = {}

    def __call__(self, pids: Iterable[int]) -> Mapping[int, str]:
        """Return the names that are known."""
        missing = [pid for pid in pids if pid not in self._known]
        if len(self._known) > _KNOWN_MAX:
            self._known.clear()
        gone = []
        for pid in missing:
            name = comm_of(self._proc, pid)
            if name is None:
                gone.append(pid)
            else:
                self._known[pid] = name
        if gone:
            self._known.update(SavedNames(self._saved())(gone))
        return self._known


class TaskEvents:
    """Takes what events tell of tasks.

    Args:
        tasks: what is known.
        decoder: decodes records that are not yet in order.
        names: the ids of the events in `NAMES`.
    """

    def __init__(self, tasks: Tasks, decoder: Decoder, names: Sequence[int]) -> None:
        self._tasks = tasks
        self._decoder = decoder
        self._ids = np.array(names, np.uint16)

    def learn(self, records: Records) -> None:
        """Take the names that new records tell, before these are in order.

        A name that is read from /proc may be later than the record that it is for. If so, the record of the
        change has been read by then, and it has the old name.
        """
        rows = np.flatnonzero(np.isin(records.id, self._ids))
        if not len(rows):
            return
        cpus = np.full(len(rows), records.cpu, np.int32)
        chosen = Selection(
            records.buffer, records.at[rows], records.size[rows], records.id[rows], records.ts[rows], cpus
        )
        for batch in self._decoder.chunk(chosen, []).batches:
            take_names(self._tasks, batch)


def take_names(tasks: Tasks, batch: Batch) -> None:
    """Take the names that a batch tells."""
    if batch.event == "task_rename":
        # Since 6.16 the event has no pid: a task that is renamed is the one that runs.
        tids = batch.columns.get("pid", batch.pid)
        for row, tid in enumerate(_numbers(tids)):
            old, new = _text(batch, "oldcomm", row), _text(batch, "newcomm", row)
            tasks.renamed(tid, int(batch.ts[row]), old, new)
    elif batch.event == "task_newtask":
        for row, tid in enumerate(_numbers(batch.columns["pid"])):
            tasks.renamed(tid, int(batch.ts[row]), None, _text(batch, "comm", row))


def take_lives(tasks: Tasks, chunk: Chunk) -> None:
    """Take what a chunk tells of parents and programs."""
    for batch in chunk.batches:
        tgids = batch.pid if batch.tgid is None else batch.tgid
        if batch.event == "task_newtask":
            flags = _numbers(batch.columns["clone_flags"])
            children = _numbers(batch.columns["pid"])
            for ts, own, child, flag in zip(batch.ts.tolist(), tgids.tolist(), children, flags, strict=True):
                parent = (tasks.parent(own, ts) or 0) if flag & _SAME_PARENT else own
                if parent and not flag & _THREAD:
                    tasks.born(child, ts, parent)
        elif batch.event == "sched_process_exit":
            for ts, tid, tgid in zip(batch.ts.tolist(), batch.pid.tolist(), tgids.tolist(), strict=True):
                if tid == tgid:
                    tasks.ended(tgid, ts)
        elif batch.event == EXEC:
            for row, (ts, tgid) in enumerate(zip(batch.ts.tolist(), tgids.tolist(), strict=True)):
                tasks.executed(tgid, ts, _program(batch, row))


def named(tasks: Tasks, chunk: Chunk) -> Chunk:
    """Return a chunk with the name that each task had at its event."""
    changed = np.array(sorted(tasks.renamed_tasks), np.int32)
    if not len(changed):
        return chunk
    return replace(chunk, batches=tuple(_named(tasks, batch, changed) for batch in chunk.batches))


def _named(tasks: Tasks, batch: Batch, changed: "np.ndarray[tuple[int], np.dtype[np.int32]]") -> Batch:
    rows = np.flatnonzero(np.isin(batch.pid, changed))
    if not len(rows):
        return batch
    texts = list(batch.comm.values)
    codes = batch.comm.codes.copy()
    index: dict[str | None, int] = {text: code for code, text in enumerate(texts)}
    for row in rows.tolist():
        name = tasks.name(int(batch.pid[row]), int(batch.ts[row]))
        if name is not None:
            if name not in index:
                index[name] = len(texts)
                texts.append(name)
            codes[row] = index[name]
    return replace(batch, comm=Strings(codes, tuple(texts)))


def _program(batch: Batch, row: int) -> Program:
    """Return the arguments and the environment that were read from a new program's stack.

    The pointers to the arguments end with a null pointer, and those to the environment follow it.
    """
    count = max(_numbers(batch.columns["argc"])[row], 0)
    texts = [_text(batch, f"a{i}", row) for i in range(len(batch.columns) - 1)]
    environment = [text for text in texts[count + 1 :] if "=" in text]
    return Program(
        [bytes_text(text) for text in texts[:count]],
        [bytes_text(text) for text in environment],
        is_cut=count > len(texts),
    )


def exec_arguments(pointer: int, strings: int) -> list[str]:
    """Return the fetch arguments of the probe that reads a new program's arguments.

    Args:
        pointer: the offset of the new stack pointer in the function's first argument.
        strings: how many strings are read.
    """
    stack = f"+{pointer}($arg1)"
    return [
        f"argc=+u0({stack}):s32",
        *(f"a{i}=+u0(+u{8 * (i + 1)}({stack})):ustring" for i in range(strings)),
    ]


def _numbers(column: object) -> list[int]:
    assert isinstance(column, np.ndarray)
    found: list[int] = column.tolist()
    return found


def _text(batch: Batch, name: str, row: int) -> str:
    column = batch.columns[name]
    assert isinstance(column, Strings)
    return column[row] or ""
