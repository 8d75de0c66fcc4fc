"""What a run traces: from words to events that exist and probes to be made; and whose."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ktrace.errors import NotFound, UsageError
from ktrace.model.names import EVENT_MAX
from ktrace.model.probe import Probe
from ktrace.session.listing import belongs_to_live_session, select
from ktrace.session.words import Defaults, probe_from_words, split_definitions
from ktrace.tracefs.dynevents import list_probes
from ktrace.tracefs.events import find_static
from ktrace.tracefs.files import Files

# What can only be a fetch argument: the word before it is a place then, even if an event has that name.
_ARGUMENT = re.compile(r"[A-Za-z_]\w*=|[%$@+\\=-]")


@dataclass(frozen=True, slots=True)
class Targets:
    """`events` that exist, as `GROUP/NAME`, and `probes` to be made for the run."""

    events: tuple[str, ...]
    probes: tuple[Probe, ...]


def find_targets(tracing: Files, words: Sequence[str], defaults: Defaults) -> Targets:
    """What `[NAME | PLACE [ARG...]]...` means, commas between definitions.

    Raises:
        UsageError, NotFound: a word means nothing.
    """
    existing = [p for p in list_probes(tracing)[0] if not belongs_to_live_session(p)]
    events: dict[str, None] = {}
    probes: list[Probe] = []
    for group in split_definitions(words):
        rest = group
        while rest:
            head, *tail = rest
            found = [] if tail and _ARGUMENT.match(tail[0]) else _existing(tracing, existing, head)
            if not found:
                probes.append(probe_from_words(rest, defaults))
                break
            events.update(dict.fromkeys(found))
            rest = tail
    return Targets(tuple(events), _different_names(probes))


def threads_of(pids: Sequence[int], *, children: bool) -> list[int]:
    """All thread ids of these processes, and with `children` of their descendants.

    Raises:
        NotFound: there is no such process.
    """
    import psutil  # noqa: PLC0415 -- most runs name no process

    found: set[int] = set()
    for pid in pids:
        try:
            process = psutil.Process(pid)
            family = [process, *(process.children(recursive=True) if children else [])]
        except psutil.NoSuchProcess:
            raise NotFound(f"there is no process {pid}") from None
        for member in family:
            try:
                found.update(thread.id for thread in member.threads())
            except psutil.NoSuchProcess:
                if member is process:
                    raise NotFound(f"process {pid} has just ended") from None
    return sorted(found)


def parse_cpus(text: str) -> list[int]:
    """`0,2-4` as a list. Raises UsageError."""
    cpus: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if not match:
            raise UsageError(
                f"'{text}' is no list of CPUs", excerpt=text, caret=text.find(part), hint="0,2-4"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        cpus.update(range(first, last + 1))
    return sorted(cpus)


def _existing(tracing: Files, probes: list[Probe], name: str) -> list[str]:
    try:
        return [p.event for p in select(probes, [name])]
    except NotFound:
        return find_static(tracing, name)


def _different_names(probes: list[Probe]) -> tuple[Probe, ...]:
    """One event each: the kernel would join two of the same name."""
    taken: set[str] = set()
    out = []
    for probe in probes:
        name, n = probe.name, 1
        while name in taken:
            n += 1
            name = f"{probe.name[: EVENT_MAX - len(str(n)) - 1]}_{n}"
        taken.add(name)
        out.append(replace(probe, name=name))
    return tuple(out)
