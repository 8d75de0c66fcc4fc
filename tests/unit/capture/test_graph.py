from pathlib import Path
from threading import Event

import pytest

from ktrace.capture import graph
from ktrace.capture.graph import GraphRequest
from ktrace.capture.graph_buffer import OwnBuffer
from ktrace.errors import Unavailable, UsageError
from ktrace.model.batch import Lost
from ktrace.model.calltree import Tree
from ktrace.session.run_context import RunContext
from ktrace.session.signals import StopSignals
from ktrace.tracefs.apply import Applied
from tests.unit.aggregate.test_calls import NAMES, chunk
from tests.unit.session.ourselves import Ourselves
from tests.unit.tracefs.graph_files import GraphFiles


class Session(Ourselves):
    """A stand-in for a session, with what a run needs before it begins."""

    name = "ktrace_1_2"

    def __init__(self, root: Path, tracers: str = "function_graph nop") -> None:
        self.tracing = GraphFiles(root)
        self.files = self.tracing
        self.done: list[str] = []
        self.tracing.put("available_tracers", tracers + "\n")
        self.tracing.put("trace_options", "")
        self.tracing.put("set_ftrace_pid", "")
        self.tracing.put("set_ftrace_notrace_pid", "")
        self._applied = Applied(self.tracing)

    def apply(self, step) -> None:
        self.done.append(f"{step.path} {step.text}")

    def only_cpus(self, cpus) -> None:
        self.done.append(f"cpus {cpus}")


class Writer:
    def __init__(self) -> None:
        self.taken: list[object] = []

    def tree(self, tree: Tree) -> None:
        self.taken.append((NAMES[tree.root.func], tree.root.duration))

    def lost(self, lost: Lost) -> None:
        self.taken.append(lost.count)

    def unread(self, count: int) -> None:
        self.taken.append(f"{count} unread")

    def flush(self) -> None:
        self.taken.append("flush")


def run(text: str, **wishes) -> tuple[Writer, object]:
    writer = Writer()
    request = GraphRequest(("a",), **wishes)
    sink = graph._Sink(request, frozenset("a"), lambda address: NAMES[address], writer)
    sink.write(chunk(text))
    assert sink.finish((), 0, ())
    return writer, sink


CALLS = "> 5 a 0\n> 5 b 1\n< 5 b 1 2\n< 5 a 0 9\n! 1 3\n> 5 a 0\n< 5 a 0 20\n> 7 a 0"


def test_trees_and_losses_in_order() -> None:
    writer, sink = run(CALLS)
    assert writer.taken == [("a", 9), 3, ("a", 20), ("a", None), "flush"]
    assert (sink.trees, sink.calls, sink.faster) == (3, 4, 0)


def test_what_was_left_unread_is_said_last() -> None:
    writer = Writer()
    sink = graph._Sink(GraphRequest(("a",)), frozenset("a"), lambda address: NAMES[address], writer)
    assert sink.finish((Lost(0, 0, 3),), 12, ())
    assert writer.taken == [3, "12 unread", "flush"]


def test_only_slow_ones() -> None:
    writer, sink = run(CALLS, above=9)
    assert writer.taken == [3, ("a", 20), "flush"] and (sink.trees, sink.faster) == (1, 1)


def test_only_so_many() -> None:
    writer, sink = run(CALLS, count=1)
    assert writer.taken == [("a", 9), "flush"] and sink.full


def test_a_kernel_without_the_tracer_in_an_instance(tmp_path: Path) -> None:
    session = Session(tmp_path, "nop")
    session.tracing.put("available_tracers", "function_graph nop\n")
    session.files = GraphFilesWithout(tmp_path)
    with StopSignals() as stop, pytest.raises(Unavailable, match="in the top buffer only"):
        graph.graph(RunContext(session, stop, print), GraphRequest(("a",)), lambda _: Writer())
    session.tracing.put("available_tracers", "nop\n")
    with StopSignals() as stop, pytest.raises(Unavailable, match="no function_graph tracer"):
        graph.graph(RunContext(session, stop, print), GraphRequest(("a",)), lambda _: Writer())


class GraphFilesWithout:
    """An instance that has no such tracer."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)

    def read(self, path: str) -> str:
        return "nop\n"


def test_what_is_excluded_is_not_what_is_followed(tmp_path: Path) -> None:
    session = Session(tmp_path)
    graph._exclude(OwnBuffer(session), ["*lock*", "rcu_*"], frozenset(["vfs_read"]))
    assert session.done == ["set_ftrace_notrace *lock*", "set_ftrace_notrace rcu_*"]
    with pytest.raises(UsageError, match="leaves out vfs_read itself"):
        graph._exclude(OwnBuffer(session), ["vfs_*"], frozenset(["vfs_read"]))


def test_a_slow_kernel_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "_SLOW_S", 0.01)
    told: list[str] = []
    is_told = Event()

    def tell(text: str) -> None:
        told.append(text)
        is_told.set()

    with graph._telling_if_slow(tell):
        assert is_told.wait(60)
    assert len(told) == 1 and "each of its functions" in told[0]
    monkeypatch.setattr(graph, "_SLOW_S", 3600.0)
    with graph._telling_if_slow(tell):
        pass
    assert len(told) == 1
