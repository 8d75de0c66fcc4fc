"""Sessions: temporary probes and a private buffer. Everything is undone at the end.

with Session() as session:
    session.trace_event("sched/sched_switch")
    reader = session.start()
    ...

The public `ktrace.Session` (`ktrace.api`) holds one.
"""

import errno
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING

from ktrace.errors import KtraceError, Refused
from ktrace.host.host import Host
from ktrace.host.local import LocalHost
from ktrace.kernel.kernel import Kernel
from ktrace.model.format import Signature
from ktrace.model.names import EVENT_MAX
from ktrace.model.plan import Step
from ktrace.model.probe import Probe
from ktrace.probes.define import Defined, define_probe
from ktrace.resolve.empty_reads import checker
from ktrace.resolve.spec import Relocate, relocate_place
from ktrace.tracefs import buffer
from ktrace.tracefs.apply import Applied
from ktrace.tracefs.dynevents import define_step
from ktrace.tracefs.events import enable_step, read_format, read_triggers, set_filter, stack_step
from ktrace.tracefs.files import Files
from ktrace.tracefs.instances import Owner, make_step
from ktrace.tracefs.mount import find_debug, find_tracing, no_right_to_trace
from ktrace.tracefs.pid_namespace import in_namespace, own_proc, own_threads, writer_of_marker
from ktrace.tracefs.pipe import TextPipe

if TYPE_CHECKING:
    from ktrace.session.command import Command
    from ktrace.tracefs.pipe_raw import RawPipes
    from ktrace.tracefs.stats import CpuStats


class Session:
    """A tracing instance and probes that live as long as the `with` block.

    Everything it makes is named `ktrace_PID_STARTTIME_NAMESPACE`; `ktrace clean` finds what a killed process
    could not undo. Not shared between threads.

    Args:
        tracing: the tracing directory; None finds it on `host`.
        debug: debugfs, for explanations; None finds it.
        host: the machine to trace, if `tracing` does not say; None is this machine.
        clock: trace clock; None takes the best one available.
        buffer_kb: KiB of buffer for each CPU; None keeps the kernel's default.

    Raises:
        Unavailable: this machine cannot trace in its present state.
    """

    def __init__(
        self,
        tracing: Files | None = None,
        debug: Files | None = None,
        *,
        host: Host | None = None,
        clock: str | None = None,
        buffer_kb: int | None = None,
    ) -> None:
        self.tracing = tracing or find_tracing(host or LocalHost())
        self.debug = debug or find_debug(self.host)
        self.name = Owner.of_this_process(self.host).name
        self.events: list[str] = []
        self.used: dict[str, None] = {}
        """All events that were traced or counted, `GROUP/NAME`, `count_only` or not."""
        self._clock = clock
        self.buffer_kb = buffer_kb
        self._applied = Applied(self.tracing)
        self._pipe: TextPipe | RawPipes | None = None
        self.with_stacks: set[str] = set()
        """Events with a kernel stack at each hit."""
        self._counted = False  # whether some events are only counted
        self.unread = 0
        """Records that the last `stream` left in the kernel's buffer because its time was up."""
        self.waits = False
        """True if a trigger will start the recording, so that `arm` must not."""
        self.closed = False
        """True when it has been closed: nothing of it is in the kernel any more."""
        self._unarmed = 0  # steps that were applied before `arm`
        self._own_ids: list[int] = []

    @cached_property
    def kernel(self) -> Kernel:
        """Return the kernel's features, symbols and types, each read once for the whole session."""
        return Kernel(self.tracing, self.debug)

    @property
    def streams(self) -> bool:
        """Return whether a reader of its buffer is open."""
        return self._pipe is not None

    @property
    def host(self) -> Host:
        """Return the machine that is traced."""
        return self.tracing.host

    @property
    def files(self) -> Files:
        """Return the files of the session's own instance."""
        return self.tracing.below(f"instances/{self.name}")

    def __enter__(self) -> "Session":
        try:
            self._make_instance()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except KtraceError as failure:
            if error is None:
                raise
            error.add_note(failure.message)

    def add_probe(self, probe: Probe, move: Relocate = relocate_place) -> Defined:
        """Define a probe in the session's group, and trace it.

        Args:
            probe: the probe to define.
            move: rebuilds the probe if its function has another name in this kernel.
        """
        self.will_remove(probe)
        kernel = self.kernel
        defined = define_probe(
            self.tracing,
            probe,
            load_symbols=lambda: kernel.symbols,
            debug=self.debug,
            move=move,
            check=checker(kernel),
        )
        self.trace_event(probe.event)
        return defined

    def unused(self, probe: Probe) -> Probe:
        """Return the probe under a name that no other event of this session has."""
        name, n = probe.name, 1
        while self.tracing.exists(f"events/{probe.group}/{name}"):
            n += 1
            name = f"{probe.name[: EVENT_MAX - len(str(n)) - 1]}_{n}"
        return replace(probe, name=name)

    def will_remove(self, probe: Probe) -> None:
        """Remove at the end an event that the caller is about to define."""
        undo = define_step(probe).undo
        assert undo is not None
        self._applied.will_undo(undo)

    def apply_global(self, step: Step) -> None:
        """Write a step that belongs to no instance, such as a synthetic event; undone at the end."""
        self._applied.apply(step)

    def ignore_self(self) -> bool:
        """Ignore all events of this process; return False if the kernel does not support that."""
        return buffer.ignore_pids(self.files, self.own_ids())

    def own_ids(self) -> list[int]:
        """Return the ids of this process's threads as events show them. Do not call while recording.

        Raises:
            Unavailable: in a pid namespace, if they cannot be found.
        """
        if not in_namespace(own_proc(self.host)):
            return buffer.own_threads(self.host)
        if not self._own_ids:
            self._own_ids = own_threads(self.files)
        return self._own_ids

    def id_of(self, command: "Command") -> int:
        """Return the id of a waiting command as events show it. Do not call while recording."""
        if not in_namespace(own_proc(self.host)):
            return command.pid
        root = self.files.root
        return writer_of_marker(self.files, lambda path, text: command.write_first(f"{root}/{path}", text))

    def only_command(self, command: "Command") -> None:
        """Record only a command and its children."""
        self.only_tasks([self.id_of(command)], children=True)

    def record(self) -> None:
        """Start recording into the buffer."""
        buffer.switch_recording(self.files, True)

    def read_pages(self, page: int) -> "RawPipes":
        """Open a reader of the buffer's pages, of `page` bytes each, without switching anything on."""
        wake = buffer.wake_step(self.files)
        if wake is not None:
            self.apply(wake)
        from ktrace.tracefs.pipe_raw import RawPipes  # noqa: PLC0415 -- not needed to count

        self._pipe = pipes = RawPipes(self.files, page)
        return pipes

    def trace_event(self, event: str, *, stack: bool = False) -> None:
        """Trace an existing event (`GROUP/NAME`), with a kernel stack at each hit if `stack`."""
        self.used[event] = None
        if event not in self.events:
            self.events.append(event)
        if stack or self._wants_stack(event):
            self.with_stacks.add(event)

    def count_only(self, event: str) -> None:
        """Do not record an event: only its triggers are used."""
        self.events.remove(event)
        self._counted = True

    def filter(self, expression: str, events: Iterable[str] | None = None) -> None:
        """Record only hits of these events, or of all, for which a filter in the kernel's syntax is true.

        Raises:
            Refused: an event does not accept the filter; the caret points into the expression.
        """
        for event in self.events if events is None else events:
            try:
                set_filter(self.files, event, expression)
            except Refused as refused:
                fields = " ".join(f.name for f in read_format(self.tracing, event).args)
                raise Refused(
                    f"{event} does not accept this filter: {refused.message}",
                    errno=refused.errno,
                    excerpt=refused.excerpt,
                    caret=refused.caret,
                    hint=f"fields of {event}: {fields} common_pid COMM CPU" if fields else None,
                ) from None

    def filter_event(self, event: str, expression: str) -> None:
        """Record one of the events only if `expression` is true. Raises Refused."""
        set_filter(self.files, event, expression)

    def only_tasks(self, pids: Sequence[int], *, children: bool) -> None:
        """Record only these threads; with `children` also the tasks that they start from now on."""
        if children:
            self.apply(Step("trace_options", "event-fork", "follow children"))
        buffer.only_pids(self.files, pids)

    def only_cpus(self, cpus: Iterable[int]) -> None:
        """Record only on these CPUs."""
        wanted = list(cpus)
        buffer.only_cpus(self.files, wanted)
        buffer.check_online(self.host, wanted)

    def start(self) -> TextPipe:
        """Open a reader of text, arm every event, start recording, and return the reader."""
        self._pipe = pipe = TextPipe(self.files)
        self.arm()
        return pipe

    def start_pages(self, page: int) -> "RawPipes":
        """Do the same as `start` with a reader of the buffer's pages, of `page` bytes each."""
        pipes = self.read_pages(page)
        self.arm()
        return pipes

    def arm(self) -> None:
        """Arm every event and start recording, for callers that have their own reader.

        Events of this process are never recorded: reading them would cause more.
        """
        self._unarmed = len(self._applied)
        ignored = self.ignore_self()
        for event in self.events:
            if event in self.with_stacks:
                self.apply(stack_step(event))
        if not ignored:
            self._filter_self()
        own = all(e.startswith(self.name + "/") for e in self.events)
        if len(self.events) > 1 and own and not self._counted:
            self.apply(enable_step(self.name, "all of this session's probes"))
        else:
            for event in self.events:
                self.apply(enable_step(event))
        if not self.waits:
            buffer.switch_recording(self.files, True)

    def wake_at(self, percent: int) -> None:
        """Wake page readers when `percent` of a CPU's buffer is full, if the kernel supports it."""
        buffer.wake_at(self.files, percent)

    def stop(self) -> None:
        """Stop recording. Records in the buffer can still be read."""
        buffer.switch_recording(self.files, False)

    @property
    def lost(self) -> int:
        """Return how many records have been overwritten or dropped before they were read."""
        return sum(cpu.lost for cpu in self.stats())

    def stats(self) -> "list[CpuStats]":
        """Return the counters of each CPU's buffer."""
        from ktrace.tracefs.stats import read_stats  # noqa: PLC0415 -- as above

        return read_stats(self.files)

    def saved_names(self) -> str:
        """Return the task names that the kernel has saved, one `PID COMM` on each line."""
        return self.tracing.read("saved_cmdlines")

    def signatures(self) -> dict[str, list[Signature]]:
        """Return how the text of each traced probe formats its arguments, by the event's name.

        Text does not show the group, so a name that two groups share has several signatures.
        """
        found: dict[str, list[Signature]] = {}
        for event in self.events:
            form = read_format(self.tracing, event)
            if form.is_probe:
                found.setdefault(form.name, []).append(form.signature())
        return found

    def groups(self) -> dict[str, str]:
        """Map the name of each traced event to its group. Names in several groups are left out."""
        found: dict[str, set[str]] = {}
        for event in self.events:
            group, _, name = event.partition("/")
            found.setdefault(name, set()).add(group)
        return {name: groups.pop() for name, groups in found.items() if len(groups) == 1}

    def disarm(self) -> None:
        """Stop recording, close the reader, and disable the events, as before `arm`."""
        if self._pipe is None:
            return  # closed meanwhile
        self.stop()
        self._undo(keep=self._unarmed)

    def close(self) -> None:
        """Undo everything, newest first. Raises KtraceError naming what could not be undone."""
        self.closed = True
        self._undo()

    def _undo(self, keep: int = 0) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        failures = self._applied.undo_all(keep, let_go=self._let_go)
        if failures:
            from ktrace.probes.holders import blame  # noqa: PLC0415 -- only to explain a failure

            lines = [
                f"{step.to_shell(self.tracing.root)}: {blame(self.tracing, step, error)}"
                for step, error in failures
            ]
            raise KtraceError(
                "not everything could be undone:\n" + "\n".join(lines),
                hint="end what uses it; when this process has ended, `ktrace clean` removes it",
            )

    def _let_go(self, step: Step) -> None:
        """Disable one of the session's events wherever another process has enabled it."""
        from ktrace.probes.holders import let_go  # noqa: PLC0415 -- rarely needed

        let_go(self.tracing, step)

    def _make_instance(self) -> None:
        try:
            self._applied.apply(make_step(self.name, "a buffer of this session's own"))
            buffer.switch_recording(self.files, False)
        except (Refused, PermissionError) as error:
            if error.errno != errno.EACCES:
                raise
            raise no_right_to_trace(self.tracing) from error
        steps = [*buffer.option_steps(self.files), buffer.clock_step(self.files, self._clock)]
        if self.buffer_kb is not None:
            steps.append(buffer.size_step(self.buffer_kb))
        for step in steps:
            self.apply(step)

    def apply(self, step: Step) -> None:
        """Write a step in the session's own instance; undone at the end."""
        self._applied.apply(step.below(f"instances/{self.name}"))

    def _wants_stack(self, event: str) -> bool:
        """Return whether `ktrace add --stack` asked for stacks, as shown by a trigger in the top buffer."""
        try:
            triggers = read_triggers(self.tracing, event)
        except OSError:
            return False
        return any(t.split(":")[0].split(" ")[0] == "stacktrace" for t in triggers)

    def _filter_self(self) -> None:
        """Filter this process out of every event, on kernels without set_event_notrace_pid."""
        own = self.own_ids()[0]
        for event in self.events:
            if not event.startswith("ftrace/"):
                set_filter(self.files, event, f"common_pid != {own}")
