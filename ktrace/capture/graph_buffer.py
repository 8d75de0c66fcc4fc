"""Record calls in the session's own buffer, or, if the user allows it, in the shared top buffer.

Some kernels support the function graph tracer only in the top buffer. ktrace uses it only if nobody else
does,
and restores it afterwards: empty, without a tracer, for all tasks. A note says how to restore it, so that
`ktrace clean` can do so; only `tracefs.graph` implements that.
"""

from collections.abc import Sequence
from typing import Protocol

from ktrace.errors import Busy, UsageError
from ktrace.model.plan import Step
from ktrace.session.session import Session
from ktrace.tracefs import buffer
from ktrace.tracefs.files import Files
from ktrace.tracefs.graph import tracer_step
from ktrace.tracefs.pipe_raw import RawPipes
from ktrace.tracefs.stats import read_stats


class GraphBuffer(Protocol):
    """The interface of a buffer that `ktrace graph` uses."""

    files: Files

    def restrict(self, pids: Sequence[int], cpus: Sequence[int], *, children: bool) -> None:
        """Record only these tasks and CPUs; an empty list means all. Never record this process."""

    def only(self, patterns: Sequence[str]) -> None:
        """Let the kernel change only these functions, not all, if the buffer can do that."""

    def exclude(self, glob: str) -> None:
        """Leave out functions. Raises OSError if none matches, UsageError if the buffer cannot do that."""

    def start(self, page: int) -> RawPipes:
        """Switch the tracer on. Return a reader of pages of `page` bytes."""

    def stop(self) -> None:
        """Stop recording."""

    def close(self) -> None:
        """Close the reader."""


class OwnBuffer:
    """The session's own buffer: its settings are removed with it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._own = session.own_ids()
        self.files = session.files

    def restrict(self, pids: Sequence[int], cpus: Sequence[int], *, children: bool) -> None:
        """See `GraphBuffer`."""
        if cpus:
            self._session.only_cpus(cpus)
        if children:
            self._session.apply(Step("trace_options", "function-fork", "follow children"))
        _choose_tasks(self.files, pids, self._own)

    def only(self, patterns: Sequence[str]) -> None:
        """See `GraphBuffer`."""
        for pattern in patterns:
            self._session.apply(Step("set_ftrace_filter", pattern, f"only calls of {pattern}"))

    def exclude(self, glob: str) -> None:
        """See `GraphBuffer`."""
        self._session.apply(Step("set_ftrace_notrace", glob, f"calls of {glob} are left out"))

    def start(self, page: int) -> RawPipes:
        """See `GraphBuffer`."""
        self._session.apply(tracer_step())
        return self._session.start_pages(page)

    def stop(self) -> None:
        """See `GraphBuffer`."""
        self._session.stop()

    def close(self) -> None:
        """Do nothing: the session closes it."""


class TopBuffer:
    """The top buffer, which everybody shares.

    Args:
        own: ids of this process's threads; None for those in /proc.

    Raises:
        Busy: somebody uses it, or has left settings or records in it.
    """

    def __init__(self, tracing: Files, own: Sequence[int] | None = None) -> None:
        self.files = tracing
        self._own = buffer.own_threads(tracing.host) if own is None else own
        self._pipes: RawPipes | None = None
        _check_unused(tracing)

    def restrict(self, pids: Sequence[int], cpus: Sequence[int], *, children: bool) -> None:
        """See `GraphBuffer`. Its CPUs are not changed."""
        if cpus:
            raise UsageError("--cpu works only with the run's own buffer, not with the top buffer")
        if children:
            self.files.write("trace_options", "function-fork")
        _choose_tasks(self.files, pids, self._own)

    def only(self, patterns: Sequence[str]) -> None:
        """Do nothing: the list of functions is everybody's."""

    def exclude(self, glob: str) -> None:
        """See `GraphBuffer`."""
        raise UsageError(f"--exclude '{glob}' works only with the run's own buffer, not with the top buffer")

    def start(self, page: int) -> RawPipes:
        """See `GraphBuffer`."""
        self.files.clear("trace")  # it is empty, but the kernel still counts earlier losses
        step = tracer_step()
        self.files.write(step.path, step.text)
        self._pipes = RawPipes(self.files, page)
        return self._pipes

    def stop(self) -> None:
        """See `GraphBuffer`."""
        buffer.switch_recording(self.files, False)

    def close(self) -> None:
        """See `GraphBuffer`. The kernel refuses to change the tracer while the buffer is read."""
        if self._pipes is not None:
            self._pipes.close()


def _choose_tasks(files: Files, pids: Sequence[int], own: Sequence[int]) -> None:
    """Restrict tracing to `pids`, except this process, which may be a child of one of them."""
    others = [pid for pid in pids if pid not in own]
    if pids:
        files.write("set_ftrace_pid", " ".join(map(str, others)))
    elif files.exists("set_ftrace_notrace_pid"):
        files.write("set_ftrace_notrace_pid", " ".join(map(str, own)))


def _check_unused(tracing: Files) -> None:
    """Raise if the top buffer is in use."""
    in_use = None
    tracer = tracing.read("current_tracer").strip()
    if tracer != "nop":
        in_use = f"it has the tracer {tracer}"
    elif events := tracing.read("set_event").split():
        in_use = f"{len(events)} events are on in it, such as {events[0]}"
    elif any(stats.entries for stats in read_stats(tracing)):
        in_use = "there are records in it"
    elif not buffer.recording(tracing):
        in_use = "it has been stopped (tracing_on)"
    elif "function-fork" in tracing.read("trace_options").split():
        in_use = "somebody has set the option function-fork"
    else:
        for name in ("set_ftrace_pid", "set_ftrace_notrace_pid"):
            if tracing.exists(name) and any(ch.isdigit() for ch in tracing.read(name)):
                in_use = f"somebody has chosen tasks in {name}"
    if in_use:
        raise Busy(
            f"the top buffer is in use: {in_use}",
            hint=f"wait until that has ended, or see what it is below {tracing.root}",
        )
