"""The buffer that calls are recorded in: what is set in it, and when the shared one is left alone."""

import os
from pathlib import Path

import pytest

from ktrace.capture.graph_buffer import OwnBuffer, TopBuffer
from ktrace.errors import Busy, UsageError
from tests.unit.capture.test_graph import Session
from tests.unit.tracefs.graph_files import GraphFiles

STATS = "entries: {}\noverrun: 5\n"


def test_never_its_own_calls(tmp_path: Path) -> None:
    session = Session(tmp_path)
    OwnBuffer(session).restrict([], [1], children=False)
    assert session.done == ["cpus [1]"]
    own = session.tracing.read("set_ftrace_notrace_pid").split()
    assert str(os.getpid()) in own and not session.tracing.read("set_ftrace_pid")


def test_only_these_processes(tmp_path: Path) -> None:
    session = Session(tmp_path)
    OwnBuffer(session).restrict([7, os.getpid(), 8], [], children=True)
    assert session.done == ["trace_options function-fork"]
    assert session.tracing.read("set_ftrace_pid") == "7 8\n"


def test_only_these_functions(tmp_path: Path) -> None:
    session = Session(tmp_path)
    OwnBuffer(session).only(["vfs_*", "do_sys_openat2"])
    assert session.done == ["set_ftrace_filter vfs_*", "set_ftrace_filter do_sys_openat2"]


@pytest.fixture
def top(tmp_path: Path) -> GraphFiles:
    files = GraphFiles(tmp_path)
    for name, text in {
        "set_event": "",
        "tracing_on": "1\n",
        "trace_options": "nofunction-fork\n",
        "set_ftrace_pid": "no pid\n",
        "set_ftrace_notrace_pid": "no pid\n",
        "trace": "# tracer: nop\n",
        "per_cpu/cpu0/stats": STATS.format(0),
    }.items():
        files.put(name, text)
    return files


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("current_tracer", "function\n", "the tracer function"),
        ("set_event", "sched:sched_switch\n", "1 events are on in it, such as sched:sched_switch"),
        ("per_cpu/cpu0/stats", STATS.format(3), "records in it"),
        ("tracing_on", "0\n", "has been stopped"),
        ("trace_options", "function-fork\n", "function-fork"),
        ("set_ftrace_pid", "7\n", "chosen tasks in set_ftrace_pid"),
    ],
)
def test_a_top_buffer_in_use_is_left_alone(top: GraphFiles, name: str, text: str, why: str) -> None:
    top.put(name, text)
    with pytest.raises(Busy, match=why):
        TopBuffer(top)
    assert not top.done


def test_what_the_top_buffer_is_not_asked_for(top: GraphFiles) -> None:
    buffer = TopBuffer(top)
    with pytest.raises(UsageError, match="--cpu"):
        buffer.restrict([], [1], children=False)
    with pytest.raises(UsageError, match="--exclude"):
        buffer.exclude("*lock*")
    buffer.restrict([7], [], children=True)
    assert top.read("set_ftrace_pid").endswith("7\n") and "function-fork" in top.read("trace_options")
    buffer.close()  # nothing was opened
