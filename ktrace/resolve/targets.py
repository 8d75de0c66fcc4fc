"""Find what a run traces: existing events, and probes to define."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from ktrace.errors import KtraceError, NotFound, Unavailable, UsageError
from ktrace.kernel.kernel import Kernel
from ktrace.kernel.renamed import present_name
from ktrace.model.arg_words import can_only_be_argument
from ktrace.model.names import is_identifier
from ktrace.model.probe import Probe
from ktrace.resolve.existing_events import events_meant, probes_that_stay
from ktrace.resolve.kernel_lines import is_kernel_line
from ktrace.resolve.parse import check_options, split_condition, split_definitions
from ktrace.resolve.place_words import is_source_place
from ktrace.resolve.refusals import Refusals
from ktrace.resolve.resolve import want
from ktrace.resolve.spec import Names, ProbeOptions, ProbeSpec, different_names
from ktrace.tracefs.files import Files


@dataclass(frozen=True, slots=True)
class Targets:
    """The events and probes that a run traces.

    Attributes:
        events: existing events, as `GROUP/NAME`, each with the condition of its place, if it has one.
        wanted: probes to define for the run.
        names: the names of its arguments' values, by the event's name.
        refusals: collects refusals while other places are left; None: a refusal ends the run.
    """

    events: Mapping[str, str | None]
    wanted: tuple[ProbeSpec, ...]
    names: Mapping[str, Names] = field(default_factory=dict)
    refusals: Refusals | None = None

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Return the probes to define."""
        return tuple(one.probe for one in self.wanted)


def find_targets(
    tracing: Files,
    words: Sequence[str],
    defaults: ProbeOptions,
    kernel: Kernel | None = None,
    refusals: Refusals | None = None,
) -> Targets:
    """Resolve `[NAME | PLACE [ARG...]]... [if EXPR]`, with commas between definitions.

    Args:
        kernel: where functions and types are looked up, if needed; None: the kernel of `tracing`.
        refusals: collects the error of a refused definition, so that the others go on; None raises it.

    Raises:
        UsageError, NotFound, Unavailable: a word cannot be resolved, or not on this kernel.
    """
    kernel = kernel or Kernel(tracing)
    existing = probes_that_stay(tracing)
    events: dict[str, str | None] = {}
    wanted: list[ProbeSpec] = []
    for group in split_definitions(words):
        with refusals.one() if refusals is not None else nullcontext():
            definition, condition = split_condition(group)
            found, made = _meant(tracing, existing, definition, defaults, kernel)
            events.update(dict.fromkeys(found, condition))
            wanted += [replace(_of_this_run(one, defaults), filter=condition) for one in made]
    if refusals is not None:
        refusals.end_if_nothing_is_left(events or wanted)
    check_options(wanted, defaults, tuple(events))
    made = different_names(wanted)
    points = Counter(probe.name for probe in existing)
    stay = {one.name: one for one in existing if one.event in events and points[one.name] == 1}
    names = dict(_values_of(stay, kernel)) | {one.probe.name: one.names for one in made if one.names}
    return Targets(events, tuple(made), names, refusals)


def _values_of(probes: Mapping[str, Probe], kernel: Kernel) -> Iterator[tuple[str, Names]]:
    """Yield how the values of probes that exist read, by the event's name."""
    if not any(probe.args for probe in probes.values()):
        return
    from ktrace.resolve.existing_values import existing_values  # noqa: PLC0415 -- needs types

    for name, probe in probes.items():
        if found := existing_values(probe, kernel):
            yield name, found


def _meant(
    tracing: Files, existing: Sequence[Probe], group: Sequence[str], defaults: ProbeOptions, kernel: Kernel
) -> tuple[list[str], list[ProbeSpec]]:
    """Return the events that the words of one definition name, and the probes that they ask for."""
    events: list[str] = []
    rest = group
    while rest:
        head, *tail = rest
        is_place = is_source_place(head) or is_kernel_line(rest)
        if tail and can_only_be_argument(tail[0]):
            is_place = True  # even if an event has that name
        found = [] if is_place else events_meant(tracing, existing, head)
        if not found:
            return events, want(rest, defaults, kernel)
        if tail and not (is_source_place(tail[0]) or events_meant(tracing, existing, tail[0])):
            made = _of_function(rest, found[0], defaults, kernel)
            if made:
                return events, made
        events += found
        rest = tail
    return events, []


def _of_this_run(one: ProbeSpec, defaults: ProbeOptions) -> ProbeSpec:
    """Put the probe in the run's own group, whichever group its definition names."""
    group = defaults.group
    return one if group in (None, one.probe.group) else replace(one, probe=replace(one.probe, group=group))


def _of_function(
    words: Sequence[str], event: str, defaults: ProbeOptions, kernel: Kernel
) -> list[ProbeSpec] | None:
    """Resolve `FUNCTION ARG...` if an event has the function's name. The function takes precedence.

    Returns:
        Its probes; None if the second word is not an argument but another place.

    Raises:
        NotFound: the second word is neither.
    """
    head, word, *rest = words
    if "/" in head:
        return None
    try:
        return want(words, defaults, kernel)
    except (UsageError, NotFound, Unavailable) as error:
        if not is_identifier(word) or (rest and can_only_be_argument(rest[0])) or _is_function(word, kernel):
            return None
        raise NotFound(
            f"'{word}' is neither an event, nor a function, nor an argument of the function {head}: "
            f"{error.message}",
            hint=f"{head} alone means the event {event}, whose fields `ktrace show {event}` lists; "
            f"{head}+0 means the function, whether or not there is an event",
        ) from None


def _is_function(name: str, kernel: Kernel) -> bool:
    """Return whether there is a function of that name, or symbols cannot be read."""
    try:
        symbols = kernel.symbols
    except (KtraceError, OSError):
        return True
    return symbols.has_function(name) or present_name(name, symbols, kernel.machine) is not None
