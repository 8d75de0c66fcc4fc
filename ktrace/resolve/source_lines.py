"""Probes at places in the source: lines of a function or a file, all functions of a file, inlined code.

    vfs_read:12                 line 12 of a function, counted from that of its declaration
    fs/read_write.c:474         a line of a file
    ':kernel/bpf/*'             every function of the files that match
    --inlined                   wherever the function was inlined, and the function itself

Debug info knows addresses as linked, and the kernel moves itself at boot: all places are told as
SYMBOL+OFFSET, and as _text+OFFSET where there are several functions of a name.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from ktrace.errors import KtraceError, NotFound, Unavailable, UsageError
from ktrace.expr.source import Site
from ktrace.kernel.functions import place_of
from ktrace.kernel.inlined import inlined_note
from ktrace.model.debuginfo import SourceFrame, Spot
from ktrace.model.miss import Miss
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.resolve.facts import with_facts
from ktrace.resolve.finder import Finder
from ktrace.resolve.place_words import FunctionsOfFiles, LinesOfFile, LinesOfFunction, SourcePlace
from ktrace.resolve.spec import InSource, ProbeSpec, different_names
from ktrace.symbols.kallsyms import Symbol

_TOLD = 100  # places in a message


def at_source(where: SourcePlace, text: str, finder: Finder) -> list[ProbeSpec]:
    """Return the probes for a place in the source.

    Raises:
        UsageError: it is not a single line, or the options do not apply to it.
        NotFound: there is no debug info, with what to install; or no code, with places near it.
    """
    if isinstance(where, FunctionsOfFiles):
        return _of_files(where.glob, finder)
    if where.last is not None:
        raise UsageError("a probe is at one line, not at several", excerpt=text, caret=text.rfind("-"))
    _check(finder, "a line")
    info = finder.kernel.debug_info(where.module)
    line = _meant_by(where)
    if isinstance(where, LinesOfFunction):
        spots = info.place_of_function_line(where.function, where.first)
        name = f"{where.function}_L{where.first}"
    else:
        spots = info.places_of_line(where.file, where.first)
        name = f"{PurePosixPath(where.file).stem}_L{where.first}"
    if isinstance(spots, Miss):
        raise NotFound(spots.reason, hint=f"near: {', '.join(spots.near)}" if spots.near else None)
    made = _each(spots, name, text, finder, line)
    if len(made) > 1:
        made[0] = replace(made[0], notes=(*made[0].notes, _several(text, spots)))
    return made


def everywhere(place: SymbolPlace, finder: Finder) -> list[ProbeSpec]:
    """Return probes for `--inlined`: at the function, if it has a symbol, and wherever it was inlined.

    Raises:
        UsageError, NotFound: as `at_source`.
    """
    if place.offset:
        raise UsageError("--inlined is for whole functions", hint="leave the offset out")
    _check(finder, "inlined code")
    sites = finder.kernel.debug_info(place.module).inlined_sites(place.symbol)
    own = any(s.is_function for s in finder.kernel.symbols.find(place.symbol, place.module))
    if isinstance(sites, Miss):
        if own:
            return [finder.at(place)]
        raise NotFound(sites.reason)
    spots = {site.spot.address: site.spot for site in sites}
    made = [finder.at(place)] if own else []
    inside = _meant_by(LinesOfFunction(place.symbol, 0))
    made += _each(spots.values(), place.symbol, place.symbol, finder, inside)
    made[0] = replace(made[0], notes=(*made[0].notes, inlined_note(place.symbol, sites)))
    return different_names(made)


def _meant_by(where: LinesOfFunction | LinesOfFile) -> InSource:
    """Return whether a frame is of the function whose line that is: other functions may begin just there."""

    def of_function(frame: SourceFrame) -> bool:
        return isinstance(where, LinesOfFunction) and frame.function == where.function

    def of_file(frame: SourceFrame) -> bool:
        if not isinstance(where, LinesOfFile) or frame.line != where.first:
            return False
        return f"/{where.file}".endswith(f"/{frame.file}") or f"/{frame.file}".endswith(f"/{where.file}")

    return of_function if isinstance(where, LinesOfFunction) else of_file


def _check(finder: Finder, what: str) -> None:
    if finder.at_return:
        raise UsageError(f"{what} does not return", hint="a return probe takes the function's name alone")
    if finder.defaults.kind == "fprobe":
        raise UsageError(f"an fprobe is at a function, not at {what}", hint="leave --kind out")


def _each(spots: Iterable[Spot], name: str, text: str, finder: Finder, line: InSource) -> list[ProbeSpec]:
    """Return a probe for each place. Places that lack an argument are left out if others have it."""
    spots = tuple(spots)
    if len(spots) > finder.defaults.max_probes:
        raise UsageError(
            f"'{text}' is {len(spots)} places, more than the {finder.defaults.max_probes} of --max-probes",
            hint="a higher --max-probes, or one of the places: `ktrace lines` shows them",
        )
    made: list[ProbeSpec] = []
    first: KtraceError | None = None
    for spot in spots:
        try:
            made.append(replace(_at_spot(spot, name, finder, line), one_of_many=len(spots) > 1))
        except UsageError as error:
            first = first or error
    if not made and first:
        raise first
    if len(made) < len(spots) and first:
        note = f"'{text}': {len(spots) - len(made)} of {len(spots)} places left out: {first.message}"
        made[0] = replace(made[0], notes=(*made[0].notes, note))
    return different_names(made)


def _at_spot(spot: Spot, name: str, finder: Finder, line: InSource) -> ProbeSpec:
    found = finder.plain(spot.place.symbol)
    if found is None:
        site = Site(spot.place.symbol, "inside", finder.kernel.machine, finder.kernel.features)
        site = with_facts(site, finder.kernel)
        types = finder.kernel.types(spot.place.module)
        found = finder.with_variables(site, spot.place, types, spot.nth, line)
    return finder.wanted("p", _movable(spot, finder), found, named_after=name)


def _movable(spot: Spot, finder: Finder) -> SymbolPlace | AddressPlace:
    """Return the place in a form that this kernel accepts."""
    place = spot.place
    if spot.copies == 1:
        return place
    symbols = [s for s in finder.kernel.symbols.find(place.symbol, place.module) if s.is_function]
    if len(symbols) != spot.copies:
        raise Unavailable(
            f"debug info has {spot.copies} functions called '{place.symbol}', this kernel {len(symbols)}"
        )
    symbol = sorted(symbols, key=lambda s: s.address)[spot.nth - 1]
    return place_of(symbol, place.offset, finder.kernel)


def _several(text: str, spots: tuple[Spot, ...]) -> str:
    which = (f" ({s.nth} of {s.copies})" if s.copies > 1 else "" for s in spots)
    shown = ", ".join(s.place.to_text() + nth for s, nth in zip(spots[:_TOLD], which, strict=False))
    return f"the code of {text} begins at {len(spots)} places: {shown}"


def _of_files(glob: str, finder: Finder) -> list[ProbeSpec]:
    """Return a probe for every function with its own code in the files that match."""
    found = finder.kernel.debug_info().functions_in(glob)
    if isinstance(found, Miss):
        raise NotFound(found.reason, hint="paths are as the kernel was built: ':kernel/bpf/*', ':fs/open.c'")
    by_name: dict[str, list[Symbol]] = {}
    for name in dict.fromkeys(one.spot.place.symbol for one in found):
        symbols = [s for s in finder.kernel.symbols.find(name) if s.is_function and s.module is None]
        if symbols:
            by_name[name] = symbols
    return finder.each_of(by_name, f":{glob}")
