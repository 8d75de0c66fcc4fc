"""Use debug info to explain that a function was not found, or found several times."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ktrace.errors import KtraceError
from ktrace.host.host import Host
from ktrace.model.debuginfo import InlinedSite
from ktrace.model.miss import Miss

if TYPE_CHECKING:
    from ktrace.symbols.dwarf.info import DebugInfo

NOWHERE = (
    "nothing comes close; it may be inlined (debug info says where), or in a module that is not loaded "
    "(MODULE:FUNCTION)"
)
_TOLD = 100  # sites in a message


def installed(host: Host) -> "DebugInfo":
    """Return the installed debug info of a machine's kernel. Nothing is downloaded for a mistyped name.

    Raises:
        NotFound, Damaged: there is none, or it cannot be decoded.
    """
    from ktrace.symbols.dwarf.find import DebugPaths, kernel_debug_info  # noqa: PLC0415 -- only to explain

    return kernel_debug_info(replace(DebugPaths.of(host, os.environ), urls=()))


def inlined_hint(function: str, load: "Callable[[], DebugInfo]") -> str | None:
    """Say where a function was inlined and how to probe it there; None if no place is known."""
    try:
        sites = load().inlined_sites(function)
    except (KtraceError, OSError):
        return None
    if isinstance(sites, Miss):
        return None
    return f"{inlined_note(function, sites)}\nprobe all of them with --inlined"


def inlined_note(function: str, sites: tuple[InlinedSite, ...]) -> str:
    """Say where a function was inlined, one line for each place."""
    one = "1 place" if len(sites) == 1 else f"{len(sites)} places"
    rows = [f"  {s.spot.place.to_text()}  in {s.caller}, {s.file}:{s.line}" for s in sites[:_TOLD]]
    if len(sites) > _TOLD:
        rows.append(f"  and {len(sites) - _TOLD} more")
    return "\n".join([f"{function} is inlined at {one}:", *rows])


def declared_in(function: str, load: "Callable[[], DebugInfo]") -> dict[int, str]:
    """Map the number of each function of a name, from 1, to its file and line; empty if unknown."""
    try:
        found = load().lines_of(function)
    except (KtraceError, OSError):
        return {}
    if isinstance(found, Miss):
        return {}
    return {one.spot.nth: f"{one.file}:{one.declared}" for one in found if one.spot}
