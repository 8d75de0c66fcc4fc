"""Resolve what to count to events and the fields to count by."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from ktrace.aggregate.hist import Term
from ktrace.aggregate.keys import KNOWN, Fields, Linear, Part
from ktrace.counting.wildcard_fprobe import can_be_one, define_as_one, functions_meant
from ktrace.errors import KtraceError, NotFound, Unavailable, UsageError
from ktrace.kernel.kernel import Kernel
from ktrace.model.arg_words import split_name
from ktrace.model.fetch import FetchArg, parse_fetch_arg
from ktrace.model.filter_values import translate_filter
from ktrace.model.meaning import Meaning, Names
from ktrace.model.names import is_identifier
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.model.tally import Key, Named, Range
from ktrace.probes.define import Defined
from ktrace.probes.define_all import define_all
from ktrace.resolve.empty_reads import checker
from ktrace.resolve.existing_events import existing_events
from ktrace.resolve.refusals import Refusals
from ktrace.resolve.spec import ProbeOptions, ProbeSpec, relocator
from ktrace.session.run_context import RunContext
from ktrace.session.session import Session
from ktrace.tracefs import dynevents
from ktrace.tracefs.events import read_format

COMM_FIELD = "ktrace_comm"


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """An event that is counted.

    Attributes:
        event: `GROUP/NAME`.
        label: its name in the table; None if it has several places, each with its own name.
        fields: the fields that it can be counted by.
        words: the field that holds each of the requested arguments.
        points: the places of a probe made for the run, in the order in which they were defined.
        is_return: whether it is hit at a function's return.
        requested: the arguments as they were given.
        has_profile: whether the kernel counts its hits even without a trigger.
        functions: the functions to count, if the event is also hit in others.
        names: how the values of fields read.
    """

    event: str
    label: str | None
    fields: Fields
    words: tuple[str, ...]
    points: tuple[str, ...] = ()
    is_return: bool = False
    has_profile: bool = False
    requested: tuple[str, ...] = ()
    functions: frozenset[str] | None = None
    names: Mapping[str, Names] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the event's name without its group, as in the kernel's text."""
        return self.event.partition("/")[2]

    def part(self, word: str, words: Iterator[str]) -> Part:
        """Return the key for `--by WORD`. `words` yields the fields of words that are arguments, in order."""
        if word in KNOWN:
            return self.fields.part(word)
        field_name = next(words)
        part = self.fields.part(field_name)
        return replace(part, name=word, show=shown_as(self.names.get(field_name), part.show))

    def is_grouped(self, field_name: str) -> bool:
        """Return whether a field's values are counted in ranges: a distribution of addresses has none."""
        return self.fields.is_number(field_name) and not is_one_of_many(self.names.get(field_name))

    def distribution(self, word: str, linear: Linear | None) -> list[tuple[Part, str | None]]:
        """Return the ways to count a field's values, as `Fields.distribution`; those that read are named."""
        names = self.names.get(word)
        if not names:
            return self.fields.distribution(word, linear)
        if is_one_of_many(names):
            part = self.fields.part(word)
            return [(replace(part, show=shown_as(names, part.show)), None)]
        ways = self.fields.distribution(word, linear)
        return [(replace(part, show=_named_alone(names, part.show)), condition) for part, condition in ways]

    def translated(self, expression: str | None) -> str | None:
        """Return a filter with the kernel's numbers for the values that a person reads."""
        return translate_filter(expression, self.names) if expression else None


def filters_of(counted_events: Sequence[CountedEvent], expression: str | None) -> dict[str, str | None]:
    """Return the filter of each event, with the kernel's numbers for the values that a person reads."""
    return {counted.event: counted.translated(expression) for counted in counted_events}


@dataclass(frozen=True, slots=True)
class Search:
    """The options of a look-up of words.

    Attributes:
        defaults: the options that apply to every probe.
        with_comm: let the run's own probes read the task's name.
        wide: use one event for all functions of a wildcard if the kernel can, although it is also hit in
            functions that are not meant; the caller recognizes those that are by `CountedEvent.functions`.
    """

    defaults: ProbeOptions
    with_comm: bool = False
    wide: bool = False


def resolve_events(
    context: RunContext, search: Search, place: str, args: Sequence[str]
) -> list[CountedEvent]:
    """Return the events that a place names, or probes made for it if it is not an event.

    Args:
        args: the words to count by that not every event has: fields of an existing event, or arguments
            as in `ktrace add`.

    Raises:
        UsageError, NotFound, Refused, Unavailable: as `ktrace add` does.
    """
    own = [arg for arg in args if arg not in KNOWN]
    session = context.session
    events = existing_events(session.tracing, place)
    if not events:
        return make_events(context, search, place, own)
    lacking = next(((e, word) for e in events for word in own if not _has(session, e, word)), None)
    if lacking and is_identifier(place):
        # An event called like a function hides none of the function's arguments.
        try:
            return make_events(context, search, place, own)
        except (UsageError, NotFound, Unavailable) as error:
            event, word = lacking
            raise NotFound(
                f"{event} has no field '{word}', and of the function {place}: {error.message}",
                hint=f"{place} means the event {event}, whose fields `ktrace show {event}` lists; "
                f"{place}+0 means the function",
            ) from None
    return [_existing(session, event, own) for event in events]


def resolve_all_events(
    context: RunContext,
    search: Search,
    places: Sequence[str],
    args: Sequence[str],
    refusals: Refusals | None,
) -> list[CountedEvent]:
    """Return the events of all these places, as in `resolve_events`.

    Args:
        refusals: takes the errors of refused places, and the others are resolved. If it is None, such an
            error is raised.
    """
    counted_events: list[CountedEvent] = []
    for place in places:
        with refusals.one() if refusals is not None else nullcontext():
            counted_events += resolve_events(context, search, place, args)
    if refusals is not None:
        refusals.end_if_nothing_is_left(counted_events)
    return counted_events


def shown_name(word: str) -> str:
    """Return an argument's name in a table: `n` for `n=%dx:u64`, otherwise the argument as given."""
    return split_name(word)[0] or word


def make_events(context: RunContext, search: Search, place: str, own: Sequence[str]) -> list[CountedEvent]:
    """Make probes for a place, with these arguments; one event for all places that can share one.

    Raises:
        UsageError, NotFound, Refused, Unavailable: as `ktrace add` does.
    """
    comm = [f"{COMM_FIELD}=$comm"] if search.with_comm else []
    kernel = context.kernel
    if search.wide and not own and kernel.features.fprobe and can_be_one(place, search.defaults):
        context.stop.check()
        if (counted := _as_one(context, search, place, comm)) is not None:
            return [counted]
    from ktrace.resolve.resolve import want  # noqa: PLC0415 -- not for what is one event

    wanted = want([place, *own, *comm], search.defaults, kernel)
    return [_made(context, search, group, own) for group in _groups(wanted)]


_MEASURES = ("time", "errno", "pointer errno", "error")


def is_one_of_many(names: Names | None) -> bool:
    """Return whether a field's values are constants, flags or addresses, which do not make ranges."""
    return bool(names) and isinstance(names, Meaning) and names.kind not in _MEASURES


def _named_alone(names: Names, show: Callable[[Key], Key]) -> Callable[[Key], Key]:
    """Return a function that names a range of a single value, such as that of an error."""

    def shown(key: Key) -> Key:
        part = show(key)
        if isinstance(part, Range) and part.low is not None and part.low == part.high:
            text = names.get(part.low)
            return part if text is None else Named(part.low, text, is_range=True)
        return part

    return shown


def shown_as(names: Names | None, show: Callable[[Key], Key]) -> Callable[[Key], Key]:
    """Return a function that shows a number by how it reads, and anything else as `show` does."""
    if not names:
        return show

    def shown(key: Key) -> Key:
        number = show(key)
        text = names.get(number) if isinstance(number, int) else None
        return number if text is None or not isinstance(number, int) else Named(number, text)

    return shown


def stack_word(kernel: Kernel) -> str:
    """Return the kernel's name for the stack as a histogram key."""
    return "common_stacktrace" if kernel.features.common_stacktrace else "stacktrace"


def _has(session: Session, event: str, word: str) -> bool:
    """Return whether an event can be counted by that word."""
    try:
        Fields(read_format(session.tracing, event)).find(Term.parse(word).field)
    except KtraceError:
        return False
    return True


def _existing(session: Session, event: str, own: Sequence[str]) -> CountedEvent:
    form = read_format(session.tracing, event)
    label = event.replace("/", ":", 1) if not form.is_probe else event
    from ktrace.resolve.existing_values import values_of_event  # noqa: PLC0415 -- needs types

    names = values_of_event(event, session.kernel)
    fields = Fields(form, None, stack_word(session.kernel))
    return CountedEvent(event, label, fields, tuple(own), is_return=form.is_return, names=names)


def _groups(wanted: Sequence[ProbeSpec]) -> list[list[ProbeSpec]]:
    """Group probes that can be points of one event, which is defined, enabled and read as one."""
    groups: dict[object, list[ProbeSpec]] = {}
    for number, one in enumerate(wanted):
        probe = one.probe
        shape = tuple((arg.name, arg.type) for arg in probe.args)
        own = None if one.one_of_many else number
        groups.setdefault((probe.kind, probe.at_return, shape, own), []).append(one)
    return list(groups.values())


def _as_one(context: RunContext, search: Search, pattern: str, args: Sequence[str]) -> CountedEvent | None:
    """Define one event for all functions that a wildcard matches; None if this kernel refuses it."""
    session = context.session
    functions, notes = functions_meant(session, pattern, search.defaults)
    if len(functions) < 2:
        return None
    own = tuple(map(parse_fetch_arg, args))
    event = session.unused(Probe("f", session.name, "calls", SymbolPlace(pattern), own))
    probe = define_as_one(session, pattern, event, functions)
    if probe is None:
        return None
    for text in notes:
        context.notify(text)
    session.trace_event(probe.event)
    fields = _fields(session, search, probe)
    return CountedEvent(probe.event, None, fields, (), tuple(functions), functions=frozenset(functions))


def _fields(session: Session, search: Search, probe: Probe) -> Fields:
    return Fields(
        read_format(session.tracing, probe.event),
        COMM_FIELD if search.with_comm else None,
        stack_word(session.kernel),
    )


def _made(context: RunContext, search: Search, group: list[ProbeSpec], own: Sequence[str]) -> CountedEvent:
    session, probe = context.session, group[0].probe
    for one in group:
        for text in one.notes:
            context.notify(text)
    words = _fields_of(probe, len(own))
    if len(group) == 1:
        defined = session.add_probe(session.unused(probe), relocator(group))
        if defined.note:
            context.notify(defined.note)
        probe = defined.probe
        points: tuple[str, ...] = (_name(probe),)
    else:
        probe, points = _points(context, group)
    fields = _fields(session, search, probe)
    label = points[0] if len(points) == 1 else None
    return CountedEvent(
        probe.event,
        label,
        fields,
        words,
        points,
        probe.is_return,
        has_profile=probe.kind in "pr",
        requested=tuple(own),
        names=dict(group[0].names),
    )


def _fields_of(probe: Probe, own: int) -> tuple[str, ...]:
    args: tuple[FetchArg, ...] = probe.args
    if args and args[-1].name == COMM_FIELD:
        args = args[:-1]
    if len(args) != own:
        raise UsageError("what is counted by must be one value each", hint="not $args, and no registers")
    return tuple(arg.name or "" for arg in args)


def _points(context: RunContext, group: list[ProbeSpec]) -> tuple[Probe, tuple[str, ...]]:
    """Define one event of many points, of which the kernel may refuse some."""
    session = context.session
    event = session.unused(replace(group[0].probe, name="calls"))
    session.will_remove(event)
    check = checker(session.kernel)

    def define(probe: Probe, _move: object) -> Defined:
        check(probe)
        dynevents.define(session.tracing, probe)
        return Defined(probe)

    specs = [replace(one, probe=replace(one.probe, name=event.name), notes=()) for one in group]
    made = define_all(specs, define, before=context.stop.check)
    made.raise_if_none()
    if made.summary:
        context.notify(made.summary)
    session.trace_event(event.event)
    return event, tuple(_name(defined.probe) for _, defined in made.done)


def _name(probe: Probe) -> str:
    """Return the name of a probe's place in a table."""
    return re.sub(r"^tracepoint:", "", probe.place.to_text())
