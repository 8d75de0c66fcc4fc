"""One run of `ktrace graph`: follow functions, put their calls together, give out trees."""

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ktrace.aggregate.calls import ENTRY, EXIT, CallTrees
from ktrace.errors import Refused, Unavailable, UsageError
from ktrace.model.batch import Chunk, Lost
from ktrace.model.calltree import Tree
from ktrace.model.plan import Step
from ktrace.session.command import Command
from ktrace.session.following import Following
from ktrace.session.kernel import Kernel
from ktrace.session.raw import Formats, live_decoder, live_enrich
from ktrace.session.session import Session
from ktrace.session.signals import StopSignals
from ktrace.session.target import threads_of
from ktrace.session.waiting import Waiting
from ktrace.stream.run import run
from ktrace.tracefs import buffer
from ktrace.tracefs.graph import can_graph, tracer_step


@dataclass(frozen=True, slots=True)
class Request:
    """What one run follows, and when it ends.

    Attributes:
        words: functions, or wildcards.
        depth: levels of calls, the function's own included; None: all.
        above: give only trees whose root took longer, in nanoseconds.
        exclude: wildcards: functions that are left out, but not what they call.
        pids, children: only these processes; with what they start.
        cpus: only these.
        duration_s, count: end after so many seconds, or trees.
    """

    words: Sequence[str]
    depth: int | None = None
    above: int = 0
    exclude: Sequence[str] = ()
    pids: Sequence[int] = ()
    children: bool = False
    cpus: Sequence[int] = ()
    duration_s: float | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to.

    Attributes:
        trees: that were given out.
        calls: in them.
        faster: trees that were not, since they took no longer than `above`.
        records: of the kernel, entries and returns.
        lost: records that were overwritten before they were read.
    """

    trees: int
    calls: int
    faster: int
    records: int
    lost: int
    seconds: float
    output_closed: bool


class Writer(Protocol):
    """Where trees go."""

    def tree(self, tree: Tree, /) -> None:
        """Take a tree."""

    def lost(self, lost: Lost, /) -> None:
        """Take a loss."""

    def flush(self) -> None:
        """Let it be seen."""


MakeWriter: TypeAlias = Callable[[Callable[[int], str]], Writer]
"""Makes the writer; it is given what names the function at an address."""


def graph(
    session: Session,
    kernel: Kernel,
    request: Request,
    make_writer: MakeWriter,
    stop: StopSignals,
    *,
    command: Command | None = None,
    output_fd: int | None = None,
    note: Callable[[str], None],
) -> Result:
    """Run it. The session is entered and left by the caller.

    Raises:
        Unavailable: this kernel has the tracer in the top buffer alone.
        NotFound, Refused, Busy, UsageError: as `Following`.
    """
    if not can_graph(session.files):
        raise _unavailable(session)
    with Following(kernel, session.name, request.words, request.depth) as following:
        for text in following.notes:
            note(text)
        _exclude(session, request.exclude, following.functions)
        _restrict(session, request, command)
        formats = Formats(session.tracing)
        formats.learn((f"ftrace/{ENTRY}", f"ftrace/{EXIT}"))
        live = live_decoder(session.files, formats)
        enrich = live_enrich(session.files, formats, session.saved_names)
        name = _namer(enrich.symbols.name)
        sink = _Sink(request, following.functions, name, make_writer(name), stop)
        stop.check()
        session.do_here(tracer_step())
        pipes = session.start_pages(live.page)
        if command is not None:
            command.start()
        waiting = Waiting(
            pipes.fd,
            stop,
            duration_s=request.duration_s,
            command=command,
            output_fd=output_fd,
            pending=lambda: live.pending,
        )
        totals = run(
            pipes,
            live,
            sink,
            wait=lambda: not sink.full and waiting(),
            stop=session.stop,
            enrich=enrich,
        )
        sink.finish()
        lost = max(sum(s.lost for s in session.stats()), sum(live.told.values()))
        return Result(
            sink.trees, sink.calls, sink.faster, totals.events, lost, totals.seconds, waiting.output_closed
        )


class _Sink:
    """Puts chunks together to trees, and hands on those that are wanted."""

    def __init__(
        self,
        request: Request,
        functions: frozenset[str],
        name: Callable[[int], str],
        writer: Writer,
        stop: StopSignals,
    ) -> None:
        self._builder = CallTrees(lambda address: name(address) in functions, request.depth)
        self._above = request.above
        self._limit = request.count
        self._writer = writer
        self._stop = stop
        self.trees = self.calls = self.faster = 0

    @property
    def full(self) -> bool:
        """Whether as many trees as were asked for have come."""
        return self._limit is not None and self.trees >= self._limit

    def write(self, chunk: Chunk) -> None:
        """Take what comes next."""
        for item in self._builder.feed(chunk):
            if isinstance(item, Tree):
                self._give(item)
            elif not self.full:
                with self._stop.may_interrupt():
                    self._writer.lost(item)

    def flush(self) -> None:
        """Let it be seen."""
        with self._stop.may_interrupt():
            self._writer.flush()

    def finish(self) -> None:
        """Nothing more comes: give what has not returned."""
        for tree in self._builder.finish():
            self._give(tree)
        self.flush()

    def _give(self, tree: Tree) -> None:
        if self.full:
            return
        duration = tree.root.duration
        if self._above and (duration is None or duration <= self._above):
            self.faster += duration is not None
            return
        self.trees += 1
        self.calls += tree.size
        with self._stop.may_interrupt():
            self._writer.tree(tree)


def _namer(name: Callable[[int], str]) -> Callable[[int], str]:
    names: dict[int, str] = {}

    def named(address: int) -> str:
        found = names.get(address)
        if found is None:
            found = names[address] = name(address)
        return found

    return named


def _exclude(session: Session, globs: Sequence[str], functions: frozenset[str]) -> None:
    """Have functions left out by the kernel, in this session's instance alone."""
    for glob in globs:
        wanted = fnmatch.filter(functions, glob)
        if wanted:
            raise UsageError(f"--exclude '{glob}' leaves out {min(wanted)} itself")
        try:
            session.do_here(Step("set_ftrace_notrace", glob, f"calls of {glob} are left out"))
        except Refused as refused:
            raise UsageError(f"--exclude '{glob}' matches no function that is followed") from refused


def _restrict(session: Session, request: Request, command: Command | None) -> None:
    """Whose calls are recorded: never this process's own."""
    files = session.files
    if request.cpus:
        session.only_cpus(request.cpus)
    pids = [command.pid] if command else threads_of(request.pids, children=request.children)
    if command or request.children:
        session.do_here(Step("trace_options", "function-fork", "follow children"))
    if pids:
        files.write("set_ftrace_pid", " ".join(map(str, pids)))
    elif files.exists("set_ftrace_notrace_pid"):
        files.write("set_ftrace_notrace_pid", " ".join(map(str, buffer.own_threads())))


def _unavailable(session: Session) -> Unavailable:
    if can_graph(session.tracing):
        return Unavailable(
            "this kernel has the function_graph tracer in the top buffer alone, which everybody shares",
            hint="a newer kernel has it in a buffer of one's own; `ktrace trace -r FUNC` and `ktrace latency "
            "FUNC` work here, and `trace-cmd record -p function_graph -g FUNC` where nobody else traces",
        )
    return Unavailable(
        "this kernel has no function_graph tracer",
        hint="it is built without CONFIG_FUNCTION_GRAPH_TRACER; `ktrace latency FUNC` works here",
    )
