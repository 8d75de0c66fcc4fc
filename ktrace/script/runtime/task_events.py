"""Follow tasks by the kernel's events, so that handlers know what was true of a task at their own event.

A record has the id of its thread. The kernel saves a task's name when it is switched out, which is late for a
program that has just been started, and /proc forgets a process that has ended.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import count, takewhile

from ktrace.model.format import Format
from ktrace.script.passes.runnable import TaskNeeds
from ktrace.script.runtime.events import Events, Happened
from ktrace.script.runtime.state import python_text
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
        if len(self._known) > _KNOWN_MAX:
            self._known.clear()
        missing = [pid for pid in pids if pid not in self._known]
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


def name_ids(formats: Iterable[Format], needs: TaskNeeds) -> list[int]:
    """Return the ids of the events that tell names; none if a script does not ask for what they tell."""
    return [one.id for one in formats if needs.any_task and f"{one.system}/{one.name}" in NAMES]


def take_names(tasks: Tasks, events: Events) -> None:
    """Take the names that events tell."""
    times = events.data("ts")
    if events.event == "task_rename":
        # Since 6.16 the event has no pid: a task that is renamed is the one that runs.
        tids = events.column("pid") if events.has("pid") else events.data("tid")
        names = events.column("oldcomm"), events.column("newcomm")
        for tid, ts, old, new in zip(tids, times, *names, strict=True):
            tasks.renamed(tid, ts, python_text(old), python_text(new))
    elif events.event == "task_newtask":
        for tid, ts, name in zip(events.column("pid"), times, events.column("comm"), strict=True):
            tasks.renamed(tid, ts, None, python_text(name))


def take_lives(tasks: Tasks, happened: Happened) -> None:
    """Take what events tell of parents and programs."""
    told = [one for one in happened.events if one.event in _TELLING]
    taken = [_changes(tasks, one) for one in told]
    for number, ts in happened.in_order(told):
        next(taken[number])(ts)


_TELLING = ("task_newtask", "sched_process_exit", EXEC)


def _changes(tasks: Tasks, events: Events) -> Iterator[Callable[[int], None]]:
    """Yield for each record what takes its time, and what it tells."""
    tgids = events.data("pid")
    if events.event == "task_newtask":
        columns = events.column("pid"), events.column("clone_flags")
        for own, child, flags in zip(tgids, *columns, strict=True):
            yield partial(_made, tasks, own, child, flags)
    elif events.event == "sched_process_exit":
        for tid, tgid in zip(events.data("tid"), tgids, strict=True):
            yield partial(_ended, tasks, tid, tgid)
    else:
        for tgid, program in zip(tgids, _programs(events), strict=True):
            yield partial(_executed, tasks, tgid, program)


def _made(tasks: Tasks, own: int, child: int, flags: int, ts: int) -> None:
    parent = (tasks.parent(own, ts) or 0) if flags & _SAME_PARENT else own
    if parent and not flags & _THREAD:
        tasks.born(child, ts, parent)


def _ended(tasks: Tasks, tid: int, tgid: int, ts: int) -> None:
    if tid == tgid:
        tasks.ended(tgid, ts)


def _executed(tasks: Tasks, tgid: int, program: Program, ts: int) -> None:
    tasks.executed(tgid, ts, program)


def _programs(events: Events) -> Iterator[Program]:
    """Yield the arguments and the environment that were read from each new program's stack.

    The pointers to the arguments end with a null pointer, and those to the environment follow it.
    """
    names = list(takewhile(events.has, (f"a{i}" for i in count())))
    texts = [events.column(name) for name in names]
    for row, number in enumerate(events.column("argc")):
        read = [str(column[row]) for column in texts]
        argc = max(number, 0)
        environment = [text for text in read[argc + 1 :] if "=" in text]
        yield Program(read[:argc], environment, is_cut=argc > len(read))


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
