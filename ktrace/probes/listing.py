"""Match registered kprobes to their dynamic events, for `ktrace list`."""

import fnmatch
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from ktrace.errors import NotFound
from ktrace.model.listing import TOP, Listing, ProbeRow, Registered
from ktrace.model.place import START, AddressPlace, FilePlace, SymbolPlace
from ktrace.model.probe import Probe
from ktrace.resolve.existing_events import belongs_to_session, events_named
from ktrace.resolve.refusals import Refusals
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.tracefs.dynevents import list_probes
from ktrace.tracefs.events import enabled_state, read_triggers
from ktrace.tracefs.files import Files
from ktrace.tracefs.instances import all_buffers
from ktrace.tracefs.kprobe_list import LIST, parse_kprobe_list
from ktrace.tracefs.profiles import Profile, parse_uprobe_profiles, read_profiles

_ADDRESS_NAME = re.compile(r"addr_([0-9a-f]{16})(?:__return)?(?:_\d+)?\Z")

_ENDBR = 4  # bytes: if functions begin with one, a probe on the function is placed after it


def read_listing(
    tracing: Files, debug: Files | None, load_symbols: Callable[[], Kallsyms] | None = None
) -> Listing:
    """Read the listing from the kernel. Symbols are read only for offsets from the start of its code."""
    load_symbols = load_symbols or partial(Kallsyms.load, tracing.host)
    text = _read_or_none(debug, LIST)
    registered, odd = parse_kprobe_list(text or "")
    probes, synthetic = list_probes(tracing)
    claimed = _claim(probes, registered, load_symbols)
    counts = _counts(tracing, probes)
    buffers = list(all_buffers(tracing))
    states = {event: _states(buffers, event) for event in dict.fromkeys(p.event for p in probes)}
    events = {index: probe.event for probe, index in zip(probes, claimed, strict=True) if index is not None}
    rows = [
        ProbeRow(
            _with_address(probe, registered, claimed[i]),
            *states[probe.event],
            *counts[i],
            registered[index] if (index := claimed[i]) is not None else None,
        )
        for i, probe in enumerate(probes)
    ]
    return Listing(
        text,
        tuple((line, events.get(i)) for i, line in enumerate(registered)),
        tuple(odd),
        tuple(rows),
        tuple(synthetic),
    )


def _with_address(probe: Probe, registered: list[Registered], index: int | None) -> Probe:
    """Replace the hash that the kernel prints with the probe's address, if it is known."""
    if index is None or not (isinstance(probe.place, AddressPlace) and probe.place.hashed):
        return probe
    address = registered[index].address
    return replace(probe, place=AddressPlace(address)) if address else probe


def registered_as(probes: list[Probe], debug: Files | None) -> list[Registered | None] | None:
    """Return each probe's line in kprobes/list, None if it has no line; None if the list cannot be read."""
    text = _read_or_none(debug, LIST)
    if debug is None or text is None:
        return None
    lines = parse_kprobe_list(text)[0]
    claimed = _claim(probes, lines, partial(Kallsyms.load, debug.host))
    return [None if index is None else lines[index] for index in claimed]


def select(
    probes: Iterable[Probe],
    names: Iterable[str],
    *,
    everything: bool = False,
    refusals: Refusals | None = None,
) -> list[Probe]:
    """Return the probes that `names` match, each event once, in the kernel's order.

    A name is `NAME`, `GROUP/NAME` or `GROUP:NAME`, with wildcards. `everything` selects all but the private
    probes of ktrace sessions; a name selects those only if it spells out their group.

    Args:
        refusals: takes the errors of names that match no probe, if others do; None raises the first.

    Raises:
        NotFound: a name matches no probe; the hint has similar names.
    """
    unique = {probe.event: probe for probe in probes}
    if everything:
        return [p for p in unique.values() if not belongs_to_session(p)]
    chosen: dict[str, Probe] = {}
    for name in names:
        hits = events_named(unique.values(), name)
        if not hits:
            problem = _no_such_probe(name, unique)
            if refusals is None:
                raise problem
            refusals.add(problem)
        chosen.update((event, unique[event]) for event in hits)
    if refusals is not None:
        refusals.end_if_nothing_is_left(chosen)
    return [probe for event, probe in unique.items() if event in chosen]


def _no_such_probe(name: str, unique: dict[str, Probe]) -> NotFound:
    from ktrace.model.near import close_to  # noqa: PLC0415 -- only to explain a failure

    named = (event for event, probe in unique.items() if fnmatch.fnmatchcase(probe.name, name))
    private = next((event for event in named if belongs_to_session(unique[event])), None)
    shared = {event: probe for event, probe in unique.items() if not belongs_to_session(probe)}
    known = [*shared, *(probe.name for probe in shared.values())]
    near = close_to(name, known)
    if private:
        hint = f"a ktrace session has one for itself, {private}: only that whole name means it"
    elif near:
        hint = "close to it: " + ", ".join(near)
    else:
        hint = (
            "`ktrace list` shows the existing probes" if shared else "there are no probes: ktrace add PLACE"
        )
    return NotFound(f"there is no probe called '{name}'", hint=hint)


def _claim(
    probes: list[Probe], registered: list[Registered], load_symbols: Callable[[], Kallsyms]
) -> list[int | None]:
    """Return the index of each probe's line in kprobes/list. No line is returned twice."""
    by_symbol: dict[tuple[str, str], list[int]] = {}
    for i, line in enumerate(registered):
        by_symbol.setdefault((line.type, line.symbol), []).append(i)
    start: int | None = None
    claimed: list[int | None] = []
    for probe in probes:
        place = probe.place
        index = None
        if isinstance(place, SymbolPlace) and probe.kind in "pr":
            kind = "r" if probe.kind == "r" else "k"
            candidates = by_symbol.get((kind, place.symbol), [])
            offsets = (place.offset,) if place.offset else (0, _ENDBR)
            index = next((i for i in candidates if registered[i].offset in offsets), None)
            if place.symbol == START and index is None:
                start = _start(load_symbols) if start is None else start
                found = ((i, registered[i].address - start - place.offset) for i in range(len(registered)))
                fits = (i for i, n in found if n in (0, _ENDBR) and registered[i].type == kind)
                index = next((i for i in fits if i not in claimed), None)
                candidates = by_symbol.get((kind, registered[index].symbol), []) if index is not None else []
            if index is not None:
                candidates.remove(index)
        claimed.append(index)
    _claim_hashed(probes, registered, claimed)
    return claimed


def _claim_hashed(probes: list[Probe], registered: list[Registered], claimed: list[int | None]) -> None:
    """Find the lines of probes whose address the kernel hashes: by name, or by being the only one left."""
    hashed = [i for i, p in enumerate(probes) if isinstance(p.place, AddressPlace) and p.place.hashed]
    taken = {index for index in claimed if index is not None}
    for i in hashed:
        name = _ADDRESS_NAME.match(probes[i].name)
        address = int(name[1], 16) if name else 0
        line = next((n for n in range(len(registered)) if n not in taken and address
                     and registered[n].address - address in (0, _ENDBR)
                     and _type_of(probes[i]) == registered[n].type), None)  # fmt: skip
        if line is not None:
            claimed[i] = line
            taken.add(line)
    if any(claimed[i] is None for i in range(len(probes)) if i not in hashed and _is_registered(probes[i])):
        return  # what is left may be theirs
    for kind in "kr":
        lines = [n for n, line in enumerate(registered) if n not in taken and line.type == kind]
        left = [i for i in hashed if claimed[i] is None and _type_of(probes[i]) == kind]
        if len(lines) == len(left) == 1:
            claimed[left[0]] = lines[0]


def _type_of(probe: Probe) -> str:
    return "r" if probe.kind == "r" else "k"


def _is_registered(probe: Probe) -> bool:
    """Return whether it must have a line: a kprobe whose module is loaded."""
    place = probe.place
    return probe.kind in "pr" and isinstance(place, SymbolPlace | AddressPlace) and not (
        isinstance(place, SymbolPlace) and place.module
    )  # fmt: skip


def _start(load_symbols: Callable[[], Kallsyms]) -> int:
    """Return the address where the kernel's code begins; 0 if it is hidden."""
    try:
        found = load_symbols().find(START)
    except OSError:
        return 0
    return found[0].address if len(found) == 1 else 0


def _counts(tracing: Files, probes: list[Probe]) -> list[tuple[int | None, int | None]]:
    """Return hits and misses of each probe. The profile has a line for each probe point, oldest first."""
    kprobes = [i for i, p in enumerate(probes) if p.kind in "pr" and not isinstance(p.place, FilePlace)]
    uprobes = [i for i, p in enumerate(probes) if p.kind in "pr" and isinstance(p.place, FilePlace)]
    counts: list[tuple[int | None, int | None]] = [(None, None)] * len(probes)
    profiles: list[Profile] = []
    for wanted, path in ((kprobes, "kprobe_profile"), (uprobes, "uprobe_profile")):
        if not wanted:
            continue
        try:
            profiles = (
                read_profiles(tracing)
                if path == "kprobe_profile"
                else parse_uprobe_profiles(tracing.read(path))
            )
        except OSError:
            continue
        _deal(profiles, probes, wanted, counts)
    return counts


def _deal(
    profiles: list[Profile],
    probes: list[Probe],
    wanted: list[int],
    counts: list[tuple[int | None, int | None]],
) -> None:
    """Give each probe the next profile line of its name. Probes may be added between two reads."""
    queues: dict[str, list[Profile]] = {}
    for profile in profiles:
        queues.setdefault(profile.name, []).append(profile)
    for i in wanted:
        queue = queues.get(probes[i].name)
        if queue:
            profile = queue.pop(0)
            counts[i] = (profile.hits, profile.missed)


def _states(buffers: list[tuple[str, Files]], event: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the buffers in which an event is enabled, and the top buffer's triggers (marked by a `*`)."""
    on: list[str] = []
    triggers: tuple[str, ...] = ()
    for name, files in buffers:
        state = enabled_state(files, event)
        if state.startswith("1"):
            on.append(name or TOP)
        if not name and state.endswith("*"):
            triggers = tuple(read_triggers(files, event))
    return tuple(on), triggers


def _read_or_none(files: Files | None, path: str) -> str | None:
    if files is None:
        return None
    try:
        return files.read(path)
    except OSError:
        return None
