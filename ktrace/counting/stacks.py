"""One run of `ktrace stack`: which stacks lead to a place, and how often."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ktrace.aggregate.frames import functions
from ktrace.aggregate.keys import STACK
from ktrace.counting.count import KEYS, STREAM, CountRequest, Show, count
from ktrace.counting.counted_events import Notify, Search, resolve_all_events
from ktrace.counting.kernel_counts import Answer, TaskFilter, restrict, run_tally
from ktrace.kernel.kernel import Kernel
from ktrace.model.plan import Step
from ktrace.model.tally import Key, Tally, merge
from ktrace.resolve.refusals import Refusals
from ktrace.resolve.spec import ProbeOptions
from ktrace.session.command import Command
from ktrace.session.session import Session
from ktrace.session.signals import StopSignals
from ktrace.session.ticking import Ticking


@dataclass(frozen=True, slots=True)
class StackRequest:
    """Stacks of what.

    Attributes:
        user: the program's stack, not the kernel's.
        refusals: takes places that are refused, so that the others go on; None raises it.
    """

    places: Sequence[str]
    defaults: ProbeOptions
    filter: str | None = None
    tasks: TaskFilter = field(default_factory=TaskFilter)
    size: int = KEYS
    in_kernel: bool = False
    user: bool = False
    refusals: Refusals | None = None


def stacks(
    session: Session,
    kernel: Kernel,
    request: StackRequest,
    stop: StopSignals,
    *,
    command: Command | None,
    ticking: Callable[[], Ticking],
    show: Show | None,
    note: Notify,
) -> tuple[Answer, str]:
    """Run it; returns the answer, one stack of functions a row, and how it was counted."""
    if request.user:
        answer = _user_stacks(session, kernel, request, stop, command, ticking, note)
        return replace(answer, tally=folded(answer.tally)), STREAM
    asked = CountRequest(
        request.places,
        request.defaults,
        (STACK,),
        request.filter,
        request.tasks,
        request.size,
        request.in_kernel,
        request.refusals,
    )

    def show_folded(tally: Tally, seconds: float) -> None:
        assert show is not None  # or nobody calls it
        show(folded(tally), seconds)

    answer, method = count(
        session,
        kernel,
        asked,
        stop,
        command=command,
        ticking=ticking,
        show=show_folded if show is not None else None,
        note=note,
    )
    return replace(answer, tally=folded(answer.tally)), method


def folded(tally: Tally) -> Tally:
    """Stacks of functions: without offsets, and without the tracer's own frames."""

    def fold(key: tuple[Key, ...]) -> tuple[Key, ...]:
        frames = key[-1]
        return (functions(frames) if isinstance(frames, tuple) else (str(frames),),)

    return merge((STACK,), [tally], fold)


def _user_stacks(
    session: Session,
    kernel: Kernel,
    request: StackRequest,
    stop: StopSignals,
    command: Command | None,
    ticking: Callable[[], Ticking],
    note: Notify,
) -> Answer:
    from ktrace.aggregate.columns import ColumnCounter, KeyColumn  # noqa: PLC0415 -- loads NumPy
    from ktrace.counting.stream_counts import StreamTally  # noqa: PLC0415 -- as above

    if request.in_kernel:
        from ktrace.errors import Unavailable  # noqa: PLC0415 -- as above

        raise Unavailable(
            "the kernel does not count by a program's stack",
            hint="leave --in-kernel out: stacks are streamed",
        )
    search = Search(kernel, request.defaults)
    counted_events = resolve_all_events(session, search, request.places, (), stop, note, request.refusals)
    restrict(session, request.tasks, command)
    for option in ("userstacktrace", "sym-userobj"):
        session.apply(Step("trace_options", option, f"option {option} on"))
    counter = ColumnCounter(
        (STACK,),
        {counted.name: ("", [KeyColumn(STACK)]) for counted in counted_events},
        with_label=False,
        user_stacks=True,
    )
    source = StreamTally(
        session, counter, [counted.event for counted in counted_events], request.filter, text=True
    )
    return run_tally(
        session, source, ticking, command, None, note, [counted.event for counted in counted_events]
    )
