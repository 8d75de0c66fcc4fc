"""The context of a run."""

import os
from types import SimpleNamespace

from ktrace.host.local import LocalHost
from ktrace.session.run_context import RunContext
from ktrace.session.signals import StopSignals
from ktrace.session.tasks import TaskFilter


class Session:
    host = LocalHost()

    def __init__(self) -> None:
        self.done: list[object] = []

    def only_command(self, command: object) -> None:
        self.done.append(command)

    def only_tasks(self, pids: list[int], *, children: bool) -> None:
        self.done.append((pids, children))


def test_hits_of_the_runs_own_tasks_alone() -> None:
    session, command = Session(), SimpleNamespace(fd=0)
    with StopSignals() as stop:
        RunContext(session, stop, print).restrict()  # type: ignore[arg-type]
        assert session.done == []
        RunContext(session, stop, print, command).restrict()  # type: ignore[arg-type]
        assert session.done == [command]
        tasks = TaskFilter([os.getpid()], children=True)
        RunContext(session, stop, print, tasks=tasks).restrict()  # type: ignore[arg-type]
    pids, children = session.done[1]  # type: ignore[misc]
    assert os.getpid() in pids and children


def test_whoever_sees_the_end_ends_the_loop() -> None:
    with StopSignals() as stop:
        context = RunContext(Session(), stop, print)  # type: ignore[arg-type]
        context.end()  # nothing waits yet
        waiting = context.waiting(every_s=0.001)
        waiting.begin()
        assert waiting()
        context.end()
        assert not waiting() and not context.output_closed


def test_nobody_reads_the_output_any_more() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with StopSignals() as stop, os.fdopen(writer, "wb") as output:
        context = RunContext(Session(), stop, print, output=output)  # type: ignore[arg-type]
        waiting = context.waiting(every_s=100)
        waiting.begin()
        assert not waiting() and context.output_closed
