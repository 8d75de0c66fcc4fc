"""One run of `ktrace count`: how often each of these is hit, by whom."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ktrace.aggregate.hist import Hist, Term, both, round_size
from ktrace.aggregate.keys import ANY, STACK, Counter, Part, counter
from ktrace.counting.counted_events import Aim, Note, Search, find_all_aims, shown_name
from ktrace.counting.kernel_counts import Answer, HistTally, ProfileTally, Source, Whose, restrict, run_tally
from ktrace.errors import Unavailable
from ktrace.kernel.kernel import Kernel
from ktrace.model.tally import Key, Symbol, Tally
from ktrace.resolve.refusals import Refusals
from ktrace.resolve.spec import Defaults
from ktrace.session.command import Command
from ktrace.session.session import Session
from ktrace.session.signals import StopSignals
from ktrace.session.ticking import Ticking

KEYS = 8192  # that there is room for, if nobody says otherwise

PROFILE = "kprobe_profile"
HIST = "hist triggers"
FPROBE = "hist triggers of fprobes"
STREAM = "streamed events"
STREAMED_NOTE = "this kernel has no hist triggers: events are streamed and counted here, which costs more"


@dataclass(frozen=True, slots=True)
class Request:
    """The events to count.

    Attributes:
        places: functions, wildcards, events.
        by: `comm`, `pid`, `cpu`, `stack`, or arguments.
        filter: count only where this holds.
        size: keys that the kernel has room for.
        in_kernel: rather fail than stream events to count them.
        refusals: takes places that are refused, so that the others go on; None raises it.
    """

    places: Sequence[str]
    defaults: Defaults
    by: Sequence[str] = ()
    filter: str | None = None
    whose: Whose = field(default_factory=Whose)
    size: int = KEYS
    in_kernel: bool = False
    refusals: Refusals | None = None


Show = Callable[[Tally, float], None]


def count(
    session: Session,
    kernel: Kernel,
    request: Request,
    stop: StopSignals,
    *,
    command: Command | None,
    ticking: Callable[[], Ticking],
    show: Show | None,
    note: Note,
) -> tuple[Answer, str]:
    """Run it; returns the answer and how it was counted. The session is entered and left by the caller."""
    search = Search(
        kernel,
        request.defaults,
        with_comm="comm" in request.by,
        wide=kernel.has_hist_triggers and STACK not in request.by,
    )
    aims = find_all_aims(session, search, request.places, request.by, stop, note, request.refusals)
    left_out = restrict(session, request.whose, command)
    stop.check()
    source, method = _source(session, kernel, request, aims, command is not None, left_out, note)
    events = [aim.event for aim in aims]
    return run_tally(session, source, ticking, command, show, note, events), method


def _source(
    session: Session,
    kernel: Kernel,
    request: Request,
    aims: Sequence[Aim],
    has_command: bool,
    left_out: bool,
    note: Note,
) -> tuple[Source, str]:
    everybody = not (has_command or request.whose.pids or request.filter or request.by)
    wide = sum(len(aim.points) for aim in aims) > 1
    if everybody and wide and all(aim.points and aim.has_profile for aim in aims):
        return ProfileTally(session, [(aim.event, aim.points) for aim in aims]), PROFILE
    names = ("function", *map(shown_name, request.by))
    if not kernel.has_hist_triggers:
        if request.in_kernel:
            raise no_hist_triggers()
        note(STREAMED_NOTE)
        return _streamed(session, aims, request), STREAM
    own = None if left_out else f"common_pid != {session.own_ids()[0]}"
    hist = Hist((), size=round_size(request.size), filter=both(request.filter, own))
    counters = [count_by(aim, request.by, hist) for aim in aims]
    method = FPROBE if any(aim.meant for aim in aims) else HIST
    return HistTally(session, names, counters), method


def _streamed(session: Session, aims: Sequence[Aim], request: Request) -> Source:
    from ktrace.aggregate.columns import ColumnCounter  # noqa: PLC0415 -- loads NumPy
    from ktrace.counting.stream_counts import StreamTally  # noqa: PLC0415 -- as above
    from ktrace.counting.stream_keys import readings  # noqa: PLC0415 -- as above

    events = {
        aim.name: (aim.label, readings(session.tracing, aim, iter(aim.words), request.by)) for aim in aims
    }
    counter = ColumnCounter(("function", *map(shown_name, request.by)), events)
    paths = [aim.event for aim in aims]
    return StreamTally(session, counter, paths, request.filter, stack=STACK in request.by)


def count_by(aim: Aim, by: Sequence[str], hist: Hist) -> Counter:
    """Return a counter of an event's hits by its function and `by`."""
    words = iter(aim.words)
    parts = [aim.part(word, words) for word in by]
    if aim.label is None:
        parts.insert(0, function_part(aim))
    return replace(counter(aim.event, parts, hist, label=aim.label, hidden=ANY), meant=aim.meant)


def function_part(aim: Aim) -> Part:
    """By which of an event's places it was hit."""
    address = "__probe_func" if aim.is_return else "__probe_ip"
    return Part("function", Term(address, "sym"), _function)


def no_hist_triggers() -> Unavailable:
    """Why nothing can be counted in the kernel."""
    return Unavailable(
        "this kernel has no hist triggers (CONFIG_HIST_TRIGGERS): it cannot count by itself",
        hint="leave --in-kernel out: events are streamed and counted here, which costs more",
    )


def _function(key: Key) -> Key:
    return key.name if isinstance(key, Symbol) else key
