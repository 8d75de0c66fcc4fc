"""Run `ktrace graph`: follow functions, build trees of their calls, and write the trees."""

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from threading import Timer
from typing import Protocol, TypeAlias

from ktrace.aggregate.calls import ENTRY, EXIT, CallTrees
from ktrace.capture.graph_buffer import GraphBuffer, OwnBuffer, TopBuffer
from ktrace.capture.graph_functions import Following
from ktrace.capture.graph_hiding import Hiding
from ktrace.diagnostic import Notify
from ktrace.errors import Interrupted, Refused, Unavailable, UsageError
from ktrace.model.batch import Chunk, Lost
from ktrace.model.calltree import Tree
from ktrace.model.muted import Muted
from ktrace.model.outcome import Outcome
from ktrace.resolve.refusals import Refusals
from ktrace.session.muted import Watch, graph_muted
from ktrace.session.page_decoder import Formats, live_decoder, live_enrich
from ktrace.session.run_context import RunContext
from ktrace.session.waiting import SETTLE_S
from ktrace.stream.pipeline import run
from ktrace.tracefs.files import Files
from ktrace.tracefs.graph import can_graph
from ktrace.tracefs.stats import read_stats

_SLOW_S = 1.0


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """The functions that a run follows.

    Attributes:
        words: functions, or wildcards.
        depth: the number of levels of calls, including the function itself; None for all.
        above: write only trees whose root took longer, in nanoseconds.
        exclude: wildcards for functions to leave out; the functions that they call are kept.
        hide: wildcards for functions to leave out with everything that they call.
        least: leave out calls that took less, in nanoseconds, except FUNC itself.
        irqs: keep what interrupts did while the function ran.
        cpus: record only on these CPUs; empty for all.
        count: end after this many trees; None for no limit.
        top_buffer: use the shared buffer if only that one has the tracer.
        refusals: as in `Following`.
    """

    words: Sequence[str]
    depth: int | None = None
    above: int = 0
    exclude: Sequence[str] = ()
    hide: Sequence[str] = ()
    least: int = 0
    irqs: bool = False
    cpus: Sequence[int] = ()
    count: int | None = None
    top_buffer: bool = False
    refusals: Refusals | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run.

    Attributes:
        trees: the number of trees that were written.
        calls: the number of calls in them.
        faster: trees that were not written, because they took no longer than `above`.
        records: the kernel's records of entries and returns.
        interrupts: interrupts that were left out of the trees.
        hidden: calls that were left out because they were hidden, or short.
    """

    trees: int
    calls: int
    faster: int
    records: int
    outcome: Outcome
    interrupts: int = 0
    hidden: int = 0


class Writer(Protocol):
    """Takes trees: the sink of a run."""

    def tree(self, tree: Tree, /) -> None:
        """Take a tree."""

    def lost(self, lost: Lost, /) -> None:
        """Take a loss."""

    def unread(self, count: int, /) -> None:
        """Take the number of records that were left in the kernel's buffer."""

    def muted(self, muted: Muted, /) -> None:
        """Take the functions whose calls cannot be followed."""

    def flush(self) -> None:
        """Make everything written so far visible."""


MakeWriter: TypeAlias = Callable[[Callable[[int], str]], Writer]
"""Makes the writer; its argument returns the name of the function at an address."""


def graph(context: RunContext, request: GraphRequest, make_writer: MakeWriter) -> Result:
    """Run `ktrace graph`.

    Raises:
        Unavailable: this kernel has the tracer only in the top buffer, and the request does not allow it.
        NotFound, Refused, Busy, UsageError: as `Following`.
    """
    session = context.session
    where = _buffer(context, request)
    following = Following(
        context.kernel,
        session.name,
        request.words,
        request.depth,
        top=isinstance(where, TopBuffer),
        refusals=request.refusals,
    )
    with following, closing(where):
        for text in following.notes:
            context.notify(text)
        _check_hidden(request.hide, following.functions)
        _exclude(where, request.exclude, following.functions)
        if request.depth == 1:
            where.only(following.patterns)
        _restrict(where, context, request)
        formats = Formats(session.tracing)
        formats.learn((f"ftrace/{ENTRY}", f"ftrace/{EXIT}"))
        live = live_decoder(where.files, formats)
        enrich = live_enrich(where.files, formats, session.saved_names)
        name = _namer(enrich.symbols.name)
        writer = make_writer(name)
        sink = _Sink(request, following.functions, name, writer)
        context.stop.check()
        watched = Watch(lambda _: graph_muted(session.host, following.functions), context.notify)
        _tell(writer, watched.begin())
        with _telling_if_slow(context.notify):
            pipes = where.start(live.page)
        waiting = context.waiting([pipes.fd], settle_s=SETTLE_S, pending=lambda: live.pending)
        waiting.begin()
        totals = run(
            pipes,
            live,
            sink,
            wait=lambda: not sink.full and waiting(),
            stop=where.stop,
            ending=context.stop,
            enrich=enrich,
        )
        unread = totals.unwritten
        if totals.cut and not sink.full:
            unread += sum(stats.entries for stats in read_stats(where.files))
        lost, marks = _account(where.files, live.told)
        context.stop.last_words()
        muted = watched.end(totals.events)
        outcome = Outcome(
            totals.seconds,
            lost,
            unread=unread,
            given_up=totals.given_up or not sink.finish(marks, unread, muted),
            output_closed=waiting.output_closed,
            muted=muted,
        )
        hiding = sink.hiding
        return Result(
            sink.trees, sink.calls, sink.faster, totals.events, outcome, hiding.interrupts, hiding.calls
        )


@contextmanager
def _telling_if_slow(notify: Notify) -> Iterator[None]:
    """Print a note if switching the tracer on takes more than a second.

    The kernel needs some ten milliseconds for it, and seconds in an emulated machine.
    """
    text = "the kernel switches the tracer on in each of its functions, which takes long here"
    timer = Timer(_SLOW_S, notify, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _restrict(where: GraphBuffer, context: RunContext, request: GraphRequest) -> None:
    command, tasks = context.followed, context.tasks
    pids = [context.session.id_of(command)] if command else tasks.threads(context.session.host)
    where.restrict(pids, request.cpus, children=command is not None or tasks.children)


def _tell(writer: Writer, muted: Sequence[Muted]) -> None:
    for one in muted:
        writer.muted(one)
    writer.flush()


def _buffer(context: RunContext, request: GraphRequest) -> GraphBuffer:
    """Return the buffer that calls are recorded in.

    Raises Unavailable, and Busy for a top buffer that is in use.
    """
    session = context.session
    if can_graph(session.files):
        return OwnBuffer(session)
    if not can_graph(session.tracing):
        raise Unavailable(
            "this kernel has no function_graph tracer",
            hint="it is built without CONFIG_FUNCTION_GRAPH_TRACER; `ktrace latency FUNC` works here",
        )
    if not request.top_buffer:
        raise Unavailable(
            "this kernel has the function_graph tracer in the top buffer only, which everybody shares",
            hint="--top-buffer uses it if nobody else does, and restores it afterwards; "
            "`ktrace trace -r FUNC` and `ktrace latency FUNC` do without",
        )
    if session.buffer_kb is not None:
        raise UsageError("--buffer-size works only with the run's own buffer, not with the top buffer")
    top = TopBuffer(session.tracing, session.own_ids())
    context.notify(
        "the top buffer is used, which everybody shares: others lose what they record in it meanwhile"
    )
    return top


def _account(files: Files, told: Mapping[int, int]) -> tuple[int, tuple[Lost, ...]]:
    """Return how many records were lost, and marks for those that no page reported."""
    counted = {stats.cpu: stats.lost for stats in read_stats(files)}
    left = {cpu: count - told.get(cpu, 0) for cpu, count in counted.items()}
    marks = tuple(Lost(_AFTER_ALL, cpu, count) for cpu, count in left.items() if count > 0)
    return max(sum(counted.values()), sum(told.values())), marks


_AFTER_ALL = (1 << 63) - 1


class _Sink:
    """Builds trees from chunks, and writes the requested ones."""

    def __init__(
        self,
        request: GraphRequest,
        functions: frozenset[str],
        name: Callable[[int], str],
        writer: Writer,
    ) -> None:
        self._builder = CallTrees(lambda address: name(address) in functions, request.depth)
        self.hiding = Hiding(name, irqs=request.irqs, globs=request.hide, least=request.least)
        self._above = request.above
        self._limit = request.count
        self._writer = writer
        self.trees = self.calls = self.faster = 0

    @property
    def full(self) -> bool:
        """Return whether the requested number of trees has been written."""
        return self._limit is not None and self.trees >= self._limit

    def write(self, chunk: Chunk) -> None:
        """Take a chunk."""
        for item in self._builder.feed(chunk):
            if isinstance(item, Tree):
                self._give(item)
            elif not self.full:
                self._writer.lost(item)

    def flush(self) -> None:
        """Make everything written so far visible."""
        self._writer.flush()

    def finish(self, marks: tuple[Lost, ...], unread: int, muted: Sequence[Muted]) -> bool:
        """Write incomplete trees and the final marks. Return False if the output accepts no more."""
        try:
            for tree in self._builder.finish():
                self._give(tree)
            if marks and not self.full:
                self.write(Chunk((), marks))
            for one in muted:
                self._writer.muted(one)
            if unread:
                self._writer.unread(unread)
            self.flush()
        except Interrupted:
            return False
        return True

    def _give(self, tree: Tree) -> None:
        if self.full:
            return
        duration = tree.root.duration
        if self._above and (duration is None or duration <= self._above):
            self.faster += duration is not None
            return
        self.hiding.prune(tree)
        self.trees += 1
        self.calls += tree.size
        self._writer.tree(tree)


def _namer(name: Callable[[int], str]) -> Callable[[int], str]:
    names: dict[int, str] = {}

    def named(address: int) -> str:
        found = names.get(address)
        if found is None:
            found = names[address] = name(address)
        return found

    return named


def _check_hidden(globs: Sequence[str], functions: frozenset[str]) -> None:
    for glob in globs:
        if wanted := fnmatch.filter(functions, glob):
            raise UsageError(f"--hide '{glob}' hides {min(wanted)} itself")


def _exclude(where: GraphBuffer, globs: Sequence[str], functions: frozenset[str]) -> None:
    """Let the kernel leave out functions, only in this run's buffer."""
    for glob in globs:
        wanted = fnmatch.filter(functions, glob)
        if wanted:
            raise UsageError(f"--exclude '{glob}' leaves out {min(wanted)} itself")
        try:
            where.exclude(glob)
        except Refused as refused:
            raise UsageError(f"--exclude '{glob}' matches no function that is followed") from refused
