"""Run `ktrace stack`: count the stacks that lead to a place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ktrace.aggregate.frames import functions
from ktrace.aggregate.keys import STACK
from ktrace.counting.count import KEYS, STREAM, CountRequest, count
from ktrace.counting.counted_events import Search, filters_of, resolve_all_events
from ktrace.counting.kernel_counts import Answer, Show, restrict, run_tally
from ktrace.model.plan import Step
from ktrace.model.tally import Key, Tally, merge
from ktrace.resolve.refusals import Refusals
from ktrace.resolve.spec import ProbeOptions
from ktrace.session.run_context import RunContext


@dataclass(frozen=True, slots=True)
class StackRequest:
    """The places whose stacks are counted.

    Attributes:
        places: functions, wildcards, events.
        filter: count only hits for which this is true.
        size: the number of stacks that the kernel's table holds.
        in_kernel: fail if the kernel cannot count, instead of streaming events.
        user: count the program's stack instead of the kernel's.
        refusals: takes the errors of refused places, and the others are counted. If it is None, such an
            error is raised.
    """

    places: Sequence[str]
    defaults: ProbeOptions
    filter: str | None = None
    size: int = KEYS
    in_kernel: bool = False
    user: bool = False
    refusals: Refusals | None = None


def stacks(context: RunContext, request: StackRequest, show: Show | None = None) -> Answer:
    """Run `ktrace stack`. Each row of the tally is one stack of functions."""
    if request.user:
        answer = _user_stacks(context, request)
        return replace(answer, tally=folded(answer.tally))
    by_stack = CountRequest(
        request.places,
        request.defaults,
        (STACK,),
        request.filter,
        request.size,
        request.in_kernel,
        request.refusals,
    )

    def show_folded(tally: Tally | None, seconds: float) -> None:
        assert show is not None  # or nobody calls it
        show(None if tally is None else folded(tally), seconds)

    answer = count(context, by_stack, show_folded if show is not None else None)
    return replace(answer, tally=folded(answer.tally))


def folded(tally: Tally) -> Tally:
    """Return stacks of functions, without offsets and without the tracer's own frames."""

    def fold(key: tuple[Key, ...]) -> tuple[Key, ...]:
        frames = key[-1]
        return (functions(frames) if isinstance(frames, tuple) else (str(frames),),)

    return merge((STACK,), [tally], fold)


def _user_stacks(context: RunContext, request: StackRequest) -> Answer:
    from ktrace.aggregate.columns import ColumnCounter, KeyColumn  # noqa: PLC0415 -- loads NumPy
    from ktrace.counting.stream_counts import StreamTally  # noqa: PLC0415 -- as above

    if request.in_kernel:
        from ktrace.errors import Unavailable  # noqa: PLC0415 -- as above

        raise Unavailable(
            "the kernel does not count by a program's stack",
            hint="leave --in-kernel out: stacks are streamed",
        )
    session = context.session
    counted_events = resolve_all_events(
        context, Search(request.defaults), request.places, (), request.refusals
    )
    restrict(context)
    for option in ("userstacktrace", "sym-userobj"):
        session.apply(Step("trace_options", option, f"option {option} on"))
    columns = ColumnCounter(
        (STACK,),
        {counted.name: ("", [KeyColumn(STACK)]) for counted in counted_events},
        with_label=False,
        user_stacks=True,
    )
    events = [counted.event for counted in counted_events]
    filters = filters_of(counted_events, request.filter)
    source = StreamTally(session, columns, filters, text=True)
    return run_tally(context, source, STREAM, None, events)
