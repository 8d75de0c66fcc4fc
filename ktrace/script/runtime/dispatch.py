"""Run a program: call handlers for events in order of time, with timers between them.

Each handler gets only the columns that it uses, as Python lists, one batch at a time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field
from itertools import repeat
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ktrace.errors import Interrupted
from ktrace.records import dataclass
from ktrace.script.kernel_interface import RETURNED, TASK_NAME, Found, Read
from ktrace.script.language.faults import Abort, Fault
from ktrace.script.language.sites import AtMoment, Timer
from ktrace.script.own_task import columns_of, function_of, may_be_null
from ktrace.script.passes.runnable import Handled, Runnable
from ktrace.script.runtime.arrays import by_key
from ktrace.script.runtime.cost import Cost
from ktrace.script.runtime.events import Events, Happened, own_values
from ktrace.script.runtime.program import Program
from ktrace.script.runtime.state import State, python_text
from ktrace.script.runtime.timers import Own, Timers

if TYPE_CHECKING:
    from ktrace.model.batch import Chunk


@dataclass(frozen=True, slots=True)
class _Call:
    """A handler at one event: its function and the sources of its arguments.

    Attributes:
        own: the columns with what was read of the task; none if that cannot be read.
    """

    function: Callable[..., None]
    params: tuple[str, ...]
    found: Found
    bound: Handled
    own: Mapping[str, tuple[str, ...]]
    task_name: int = -1
    returned: int = -1


@dataclass(slots=True)
class Drive:
    """A run of a program.

    Attributes:
        write: writes the script's output.
        errors: the number of faults that no `try` caught.
        over: whether the script ended by `abort()` or by too many errors.
        patience: the context that handlers run in. It raises Interrupted in a handler that runs for too long
            after the run has ended.
        on_end: called when the script is over, before its last output is written.
        unhandled: the number of events that were received but not handled, for lack of time.
        held_up: whether a handler was interrupted because it ran for too long.
        given_up: whether the output accepts no more data.
        counts: adds the kernel's counts to the variables, if the kernel counts. Its argument says whether
            this is the last call. Raises Fault if an array is full.
        cost: what the run has cost so far.
    """

    compiled: Runnable
    program: Program
    state: State
    write: Callable[[bytes], None]
    errors: int = 0
    over: bool = False
    counts: Callable[[bool], None] | None = None
    patience: Callable[[], AbstractContextManager[None]] = nullcontext
    on_end: Callable[[], None] = lambda: None
    unhandled: int = 0
    held_up: bool = False
    given_up: bool = False
    halted: bool = False
    cost: Cost = field(default_factory=Cost)
    _left: int = 0
    _counted_out: bool = False
    _calls: dict[str, list[_Call]] = field(default_factory=dict)
    _timers: Timers = field(default_factory=Timers)

    def __post_init__(self) -> None:
        for bound in self.compiled.bound:
            if bound.entries:
                scope = f"{bound.scope} entry"
                self._add(bound, bound.entries, scope, bound.entry_reads)
            if bound.found:
                self._add(bound, bound.found, bound.scope, bound.reads)

    def _add(self, bound: Handled, found: Iterable[Found], scope: str, reads: Sequence[Read]) -> None:
        params = self.program.emitted.handlers[scope].params
        task_name = reads.index(TASK_NAME) if TASK_NAME in reads else -1
        returned = reads.index(RETURNED) if RETURNED in reads else -1
        functions = {param: name for param in params if (name := function_of(param)) is not None}
        for one in found:
            own = {param: columns_of(name, reads, one.columns) for param, name in functions.items()}
            call = _Call(self.program.handler(scope), params, one, bound, own, task_name, returned)
            self._calls.setdefault(one.event, []).append(call)

    @property
    def wants_stacks(self) -> set[str]:
        """Return the events at which a handler needs the kernel stack."""
        return {event for event, calls in self._calls.items() for c in calls if "stack" in c.params}

    @property
    def wants_user_stacks(self) -> bool:
        """Return whether a handler needs the stack of the process."""
        return any("ustack" in c.params for calls in self._calls.values() for c in calls)

    def begin(self) -> None:
        """Run the begin handlers, then start the timers."""
        self.cost.start()
        self._moments("begin", "oneshot")
        if any(b.site == AtMoment("oneshot") for b in self.compiled.bound):
            self.state.exiting = True
        for bound in self.compiled.bound:
            if isinstance(bound.site, Timer):
                self.repeat(bound)
        self.flush()

    def repeat(self, bound: Handled) -> None:
        """Start a timer."""
        self._timers.repeat(bound, self.state.now())

    def sampled(self, ts: int, bound: Handled, own: Own) -> None:
        """Call a handler in order of time, with the data of a sample."""
        self._timers.add(ts, bound, own)

    def end(self) -> None:
        """Run the end handlers, or the error handlers if an error ended the script."""
        if not self.over:
            self.count(last=True)
        failed = self.errors > self.state.limits.MAXERRORS
        self.over = False
        self._moments("error" if failed else "end")
        self.flush()

    def next_timer(self) -> int | None:
        """Return when the next timer is due, on the events' clock; None without timers."""
        return self._timers.next

    def advance(self, until: int) -> None:
        """Run the timers that are due up to a time."""
        while self._timers.due(until) and not self.done:
            self.count()
            if self.done:
                return
            due, bound, own = self._timers.pop()
            self.own_call(bound, due, own)
            if self.state.exiting and bound.scope in self.compiled.counted.seen_by:
                self._counted_out = True  # `end` shows the same counts as this timer
            if isinstance(bound.site, Timer):
                # A late timer does not catch up on the runs that it missed.
                self._timers.repeat(bound, due, earliest=until - bound.site.every_ns)

    def count(self, *, last: bool = False) -> None:
        """Add the kernel's counts to the variables.

        Arrays that the kernel could count are sorted by key, even if it did not count them, because the
        kernel does not report which key came first.
        """
        if self.counts is not None and not self._counted_out:
            try:
                self.counts(last)
            except Fault as fault:
                self._failed(fault)
        for name in self.compiled.counted.names:
            by_key(self.program.names[f"g_{name}"])

    @property
    def done(self) -> bool:
        """Return whether the script is over."""
        return self.over or self.state.exiting

    def halt(self) -> None:
        """Run no more handlers except those of the end. May be called while a handler runs."""
        self.halted = True
        self.state.exiting = True

    def _patiently(self, do: Callable[[], None]) -> None:
        """Call a function that may be interrupted."""
        try:
            with self.patience():
                self.cost.handling(do)
        except Interrupted:
            self.held_up = True
            self.halt()

    def feed(self, chunk: "Chunk") -> None:
        """Run the handlers of a chunk's events."""
        from ktrace.script.runtime.columns import ChunkEvents

        self.take(ChunkEvents(chunk))

    def take(self, happened: Happened) -> None:
        """Run the handlers of some events."""
        found = ((events, self._calls_of(events)) for events in happened.events)
        work = [(events, calls) for events, calls in found if calls]
        if not work or self.done:
            self.unhandled += sum(len(events) for events, _ in work) if self.halted else 0
            return
        runs = [_Rows(events, calls, self._columns(events, calls)) for events, calls in work]
        self._left = 0
        if len(runs) == 1 and len(runs[0].calls) == 1 and not self._timers:
            self._patiently(lambda: self._straight(runs[0]))
        else:
            self._patiently(lambda: self._in_order(happened, runs))
        self.cost.events += sum(len(events) for events, _ in work) - self._left
        if self.halted:
            self.unhandled += self._left
        self.flush()

    def _calls_of(self, events: Events) -> list[_Call]:
        """Return the handlers of an event. Another event may have the same name in its own system."""
        calls, system = self._calls.get(events.event, []), events.system
        return [one for one in calls if not (one.found.system and system) or one.found.system == system]

    def _straight(self, rows: "_Rows") -> None:
        """Call one handler for all rows."""
        function = rows.calls[0].function
        state = self.state
        todo = rows.arguments[0]
        try:
            while not self.done:
                try:
                    for args in todo:
                        function(*args)
                        if state.exiting:
                            return
                    return
                except (Fault, RecursionError) as fault:
                    self._failed(fault)
                except Abort:
                    self.over = True
        finally:
            self._left = sum(1 for _ in todo)

    def _in_order(self, happened: Happened, runs: Sequence["_Rows"]) -> None:
        """Call handlers for the rows of several events by time; for each row, in the order of the script."""
        calls = [[(c.function, a) for c, a in zip(r.calls, r.arguments, strict=True)] for r in runs]
        self._left = sum(len(r.events) for r in runs)
        for run, at in happened.in_order([r.events for r in runs]):
            if self._timers.due(at):
                self.advance(at)
            for function, args in calls[run]:
                row = next(args)
                if self.over or self.state.exiting:
                    return
                try:
                    function(*row)
                except (Fault, RecursionError) as fault:
                    self._failed(fault)
                except Abort:
                    self.over = True
            self._left -= 1

    def _columns(self, events: Events, calls: Sequence[_Call]) -> list[Iterator[tuple[Any, ...]]]:
        """Return, for each handler, the arguments of each row."""
        made: dict[str, Any] = {}
        found: list[Iterator[tuple[Any, ...]]] = []
        for call in calls:
            columns = [self._column(events, call, param, made) for param in call.params]
            found.append(zip(*columns, strict=False) if columns else repeat((), len(events)))
        return found

    def _column(self, events: Events, call: _Call, param: str, made: dict[str, Any]) -> Any:
        if param[0] == "f" and param[1:].isdigit():
            name = call.found.columns[int(param[1:])]
            key = f"${name}"  # a field may have the name of a parameter
            if key not in made:
                made[key] = events.column(name)
            return made[key]
        constants = {
            "point": call.found.point,
            "name": call.bound.name or call.found.point,
            "func": call.found.function,
            "mod": call.found.module or "kernel",
            "isreturn": int(getattr(call.bound.site, "at_return", False)),
            "retval": 0,  # there is no return value
            "usermode": 0,  # probes are in the kernel
            "addr": 0,  # refused before
        }
        if param == "comm" and call.task_name >= 0 and call.found.columns[call.task_name]:
            return self._column(events, call, f"f{call.task_name}", made)
        if param == "retval" and call.returned >= 0:
            return self._column(events, call, f"f{call.returned}", made)
        if param in call.own:
            if not call.own[param]:
                return [None] * len(events)
            return own_values(events, call.own[param], may_be_null=may_be_null(function_of(param) or ""))
        if param in constants:
            return [constants[param]] * len(events)
        if param not in made:
            is_stack = param in ("stack", "ustack")
            made[param] = events.stacks(user=param == "ustack") if is_stack else events.data(param)
        return made[param]

    def _moments(self, *moments: str) -> None:
        chosen = [b for b in self.compiled.bound if isinstance(b.site, AtMoment) and b.site.moment in moments]
        for bound in sorted(chosen, key=_order):
            # exit() also skips the begin handlers that follow.
            if self.over or (self.state.exiting and "begin" in moments):
                return
            self.own_call(bound, self.state.now())

    def own_call(self, bound: Handled, now: int, sample: Own = MappingProxyType({})) -> None:
        """Call a handler that has no kernel event."""
        own = {
            **self.state.own,
            "ts": now,
            "point": bound.point,
            "name": bound.name,
            "func": "",
            "mod": "",
            "isreturn": 0,
            "stack": (),
            "ustack": (),
            **{"retval": 0, "usermode": 0, "addr": 0},
            **sample,
        }
        params = self.program.emitted.handlers[bound.scope].params

        def call() -> None:
            try:
                given = [None if function_of(p) else own[p] for p in params]
                self.program.handler(bound.scope)(*given)
            except (Fault, RecursionError) as fault:
                self._failed(fault)
            except Abort:
                self.over = True

        self._patiently(call)

    def _failed(self, fault: Fault | RecursionError) -> None:
        self.errors += 1
        self.flush()
        # If MAXNESTING is larger than Python's recursion limit, Python raises its own error.
        text = python_text(fault.text) if isinstance(fault, Fault) else "MAXNESTING exceeded"
        near = f" near {fault.near}" if isinstance(fault, Fault) and fault.near else ""
        self.state.warn(f"ERROR: {text}{near}")
        if self.errors > self.state.limits.MAXERRORS:
            self.over = True

    def flush(self) -> None:
        """Write the pending output."""
        out = self.state.out
        if self.done:
            self.on_end()
        if out:
            # Text from Python may have characters that are not in Latin-1.
            data = "".join(out).encode("latin-1", "replace")
            out.clear()
            try:
                self.write(data)
            except Interrupted:
                self.given_up = True
                self.halt()


@dataclass(slots=True)
class _Rows:
    """Events with their handlers and the arguments of these."""

    events: Events
    calls: Sequence[_Call]
    arguments: list[Iterator[tuple[Any, ...]]]


def _order(bound: Handled) -> int:
    return bound.site.order if isinstance(bound.site, AtMoment) else 0
