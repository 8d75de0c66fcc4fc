"""The public Python interface: `ktrace.Session`. docs/api.md says what it promises."""

import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from inspect import GEN_SUSPENDED, getgeneratorstate
from types import TracebackType
from typing import cast
from weakref import ref

from ktrace.errors import KtraceError, NotFound, UsageError
from ktrace.model.batch import Batch
from ktrace.model.filter_values import translate_filter
from ktrace.resolve.existing_values import values_of_event
from ktrace.resolve.resolve import want
from ktrace.resolve.spec import Names, ProbeOptions, relocator
from ktrace.session import session
from ktrace.session.iterate import batches, not_open, streams_already
from ktrace.tracefs.events import find_static


class Session:
    """Trace events for as long as a `with` block runs, in a buffer that no other tracer shares.

    Everything that the session changes in the kernel is undone when the block is left, however that
    happens. Use a session in one thread. The constructor touches nothing; entering the block does.

    with ktrace.Session() as session:
        session.add("vfs_read", "count=%dx:u64")
        for batch in session.stream(duration_s=1):
            print(batch.ts, batch.comm, batch["count"])

    Args:
        clock: the trace clock, one of those in the kernel's `trace_clock`; None: `mono` where there is one.
        buffer_kb: size of the buffer in KiB for each CPU; None: the kernel's own default.

    Raises:
        Unavailable: on entering the block: this machine cannot trace, or this process may not.
        Refused: on entering the block: the kernel does not accept the clock or the size.
    """

    def __init__(self, *, clock: str | None = None, buffer_kb: int | None = None) -> None:
        self._clock = clock
        self._buffer_kb = buffer_kb
        self._inner: session.Session | None = None
        self._values: dict[str, Names] = {}  # by event: how the values of a probe's arguments read
        self._last: tuple[tuple[str, ...], int, int] = ((), 0, 0)  # events, lost and unread when it closed
        # Weak: a loop that is left drops its generator, whose end disables the events.
        self._streaming: ref[Generator[Batch, None, None]] | None = None

    def __enter__(self) -> "Session":
        if self._inner is not None:
            raise UsageError("this session is open already", hint="make another: ktrace.Session()")
        inner = session.Session(clock=self._clock, buffer_kb=self._buffer_kb)
        inner.__enter__()
        self._inner = inner
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        inner, self._inner = self._inner, None
        if inner is None:
            return
        try:
            self._end_stream()
            with suppress(KtraceError, OSError):  # the buffer may be gone; what matters is to undo the rest
                self._last = tuple(inner.events), inner.lost, inner.unread
        finally:  # also after KeyboardInterrupt
            inner.__exit__(kind, error, trace)

    def __dir__(self) -> list[str]:
        return [name for name in object.__dir__(self) if name.startswith("__") or not name.startswith("_")]

    def __repr__(self) -> str:
        state = "not open" if self._inner is None else f"{len(self.events)} events"
        return f"<ktrace.Session: {state}>"

    def add(self, place: str, *args: str, at_return: bool = False, name: str | None = None) -> list[str]:
        """Define a probe that lives as long as this session, and trace it.

        session.add("vfs_read", "file:path", "count")
        session.add("vfs_read", "ret=$retval:s64", at_return=True, name="read_returns")

        What `ktrace add` would note, such as that the function has another name in this kernel or that
        the probe may never be hit, is a warning (`warnings.warn`).

        Args:
            place: a function, an offset in it, a wildcard: PLACE of `ktrace add`.
            args: what to read at each hit: ARG of `ktrace add`.
            at_return: probe the function's return instead of its entry.
            name: the event's name; None: made from `place`.

        Returns:
            The names of the events, as `Batch.event` has them: one, unless `place` is a wildcard.

        Raises:
            UsageError: a word cannot be parsed.
            NotFound: there is no such function, type or member.
            Refused: the kernel does not accept the probe.
            Busy: this session has an event of that name.
            Unavailable: this kernel does not have what the arguments need.
        """
        inner = self._opened()
        defaults = ProbeOptions(inner.name, name, at_return, machine=inner.kernel.machine, whole=True)
        wanted = want([place, *args], defaults, inner.kernel)
        notes = [note for one in wanted for note in one.notes]
        names: list[str] = []
        for one in wanted:
            defined = inner.add_probe(one.probe, relocator(wanted))
            names.append(defined.probe.name)
            self._values[defined.probe.event] = one.names
            notes += [defined.note] if defined.note else []
        for note in dict.fromkeys(notes):
            warnings.warn(note, stacklevel=2)
        return names

    def trace_event(self, event: str) -> None:
        """Trace an event that exists: a static event of the kernel, or a probe that `ktrace add` made.

        session.trace_event("sched:sched_switch")
        session.trace_event("irq:*")

        Args:
            event: `SYSTEM:EVENT` or `SYSTEM/EVENT`, with wildcards.

        Raises:
            NotFound: there is no such event.
        """
        inner = self._opened()
        found = find_static(inner.tracing, event)
        if not found:
            raise NotFound(f"there is no event {event}", hint="available_events in tracefs lists them")
        for one in found:
            inner.trace_event(one)

    def filter(self, expression: str) -> None:
        """Record only hits for which an expression is true. It is evaluated in the kernel.

        session.filter('count > 4096 && COMM != "dd"')
        session.filter("ret == ENOENT")

        It applies to the events added before it, not to later ones.

        Args:
            expression: in the syntax of the kernel's event filters (Documentation/trace/events.rst). Values
                may be spelled as `ktrace trace` prints them.

        Raises:
            Refused: an event does not accept the expression, for example because it has no such field.
            UsageError: no event was added before, or a value is not one of its field.
        """
        inner = self._with_events()
        for event in inner.events:
            own = self._values.get(event)
            values = values_of_event(event, inner.kernel) if own is None else own
            inner.filter(translate_filter(expression, values), [event])

    def only_tasks(self, pids: Sequence[int], *, children: bool = False) -> None:
        """Record only these threads.

        session.only_tasks([os.getppid()], children=True)

        Args:
            pids: thread ids.
            children: record the tasks that they start from now on, too.

        Raises:
            UsageError: `pids` is empty.
        """
        inner = self._opened()
        if not pids:
            raise UsageError("only_tasks needs at least one thread id")
        inner.only_tasks(pids, children=children)

    def only_cpus(self, cpus: Iterable[int]) -> None:
        """Record only on these CPUs.

        session.only_cpus([0, 2])

        Args:
            cpus: CPU numbers, from 0.

        Raises:
            UsageError: `cpus` is empty.
            NotFound: a CPU is offline.
            Refused: the kernel has no such CPU.
        """
        inner, wanted = self._opened(), list(cpus)
        if not wanted:
            raise UsageError("only_cpus needs at least one CPU")
        inner.only_cpus(wanted)

    def stream(
        self, *, command: str | None = None, duration_s: float | None = None, count: int | None = None
    ) -> Iterator[Batch]:
        """Enable the events and yield their records as they arrive, in batches of one event each.

        for batch in session.stream(command="ls -l"):
            print(batch.event, len(batch))

        Disable the events when the loop ends, for whatever reason. Never record events of this process:
        reading them would cause more. After `duration_s`, or when the command ends, yield the records still
        in the buffer, too, for a part of KTRACE_GRACE seconds (2) at most, including the time spent in the
        loop's body. Records left after that are counted in `unread`. If nothing can hit the events, for
        example because all kprobes are disarmed, this is a warning when the loop begins.

        Args:
            command: run this shell command once the events are enabled, record only it and its children,
                and stop when it ends; None: record every task.
            duration_s: stop after this many seconds; None: no limit.
            count: stop after this many records; None: no limit.

        Raises:
            UsageError: no event was added, or another `stream` of this session has not ended.
            NotFound: the command does not exist.
            Unavailable: at the end of the loop: nothing could have hit the events.
        """
        inner = self._with_events()
        if self._suspended() is not None:
            raise streams_already()
        found = batches(inner, command=command, duration_s=duration_s, count=count)
        self._streaming = ref(cast("Generator[Batch, None, None]", found))
        return found

    def close(self) -> None:
        """Undo everything now, as the end of the `with` block does. Closing twice does nothing.

        Raises:
            KtraceError: something could not be undone; the message names it.
        """
        self.__exit__(None, None, None)

    @property
    def events(self) -> tuple[str, ...]:
        """Return the events that are traced, each as `GROUP/NAME`; after the end, those that were."""
        return self._last[0] if self._inner is None else tuple(self._inner.events)

    @property
    def lost(self) -> int:
        """Return how many records were overwritten or dropped before they were read.

        It counts from the start of the session, and can still be read after its end.
        """
        return self._last[1] if self._inner is None else self._inner.lost

    @property
    def unread(self) -> int:
        """Return how many records the last `stream` left in the buffer because its time was up."""
        return self._last[2] if self._inner is None else self._inner.unread

    def _suspended(self) -> Generator[Batch, None, None] | None:
        """Return the stream whose loop has begun and not ended, if there is one."""
        last = self._streaming() if self._streaming is not None else None
        return last if last is not None and getgeneratorstate(last) == GEN_SUSPENDED else None

    def _end_stream(self) -> None:
        """End a loop that still runs: it would read from files that are closed now."""
        if (last := self._suspended()) is not None:
            last.close()

    def _opened(self) -> session.Session:
        if self._inner is None:
            raise not_open()
        return self._inner

    def _with_events(self) -> session.Session:
        inner = self._opened()
        if not inner.events:
            raise UsageError("this session traces no event yet", hint='session.add("vfs_read")')
        return inner
