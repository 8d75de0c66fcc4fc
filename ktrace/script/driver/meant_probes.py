"""Choose, of the probes at a place, those that a script's probe point means."""

import fnmatch

from ktrace.errors import NotFound
from ktrace.model.names import to_identifier
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.resolve.spec import ProbeSpec
from ktrace.script.language.points import AtFunction


def meant(site: AtFunction, made: list[ProbeSpec]) -> list[ProbeSpec]:
    """Return those of the probes at a place that the script's probe point means."""
    if site.inline:
        inside = [one for one in made if not _begins(one.probe, site.pattern)]
        if not inside:
            raise NotFound(f"{site.pattern} is inlined nowhere", hint="without .inline its calls are probed")
        return inside
    is_file = site.place is not None and not site.lines
    if is_file and any(not _begins(one.probe, site.pattern) for one in made):
        # All functions of the file were found.
        chosen = [one for one in made if fnmatch.fnmatchcase(function_of(one.probe)[0], site.pattern)]
        if not chosen:
            raise NotFound(f"no function of {site.place} matches '{site.pattern}'")
        return chosen
    if site.statement and site.place is not None:
        # The line also matches functions that the function was inlined into.
        return [one for one in made if fnmatch.fnmatchcase(function_of(one.probe)[0], site.pattern)] or made
    return made


def _begins(probe: Probe, function: str) -> bool:
    """Return whether a probe is at the start of a function."""
    place = probe.place
    return isinstance(place, SymbolPlace) and place.symbol == function and not place.offset


def function_of(probe: Probe) -> tuple[str, str | None]:
    """Return the function of a probe and its module; None for the kernel image."""
    place = probe.place
    if isinstance(place, SymbolPlace):
        return place.symbol, place.module
    return to_identifier(place.to_text()), None
