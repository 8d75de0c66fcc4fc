"""Defining probes: written first, explained only when the kernel says no."""

import errno
from collections.abc import Callable
from dataclasses import dataclass, replace

from ktrace.errors import Busy, Refused
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.session.explain import explain
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.symbols.renames import find_present
from ktrace.tracefs import dynevents
from ktrace.tracefs.files import Files

LoadSymbols = Callable[[], Kallsyms]


@dataclass(frozen=True, slots=True)
class Defined:
    """A probe that the kernel took; `asked` is the symbol asked for where it goes by another name."""

    probe: Probe
    asked: str | None = None

    @property
    def note(self) -> str | None:
        """The line for stderr where the probe went to a renamed function."""
        if self.asked is None:
            return None
        place = self.probe.place.to_text()
        return f"{self.asked} is {place} in this kernel: {self.probe.event} probes {place}"


def define_probe(
    tracing: Files,
    probe: Probe,
    *,
    append: bool = False,
    load_symbols: LoadSymbols = Kallsyms.load,
    debug: Files | None = None,
) -> Defined:
    """Define one probe, under its function's present name where the kernel does not know the one said.

    Args:
        append: add a probe point to an event that is there already; without it that is an error,
            since the kernel would extend the event without a word.

    Raises:
        Busy: the event is there already.
        NotFound, Refused, Unavailable: the kernel refused; says why and what to do.
    """
    if not append and tracing.exists(f"events/{probe.event}"):
        raise Busy(
            f"the event {probe.event} is there already",
            hint=f"ktrace remove {probe.event}, or choose another name with --name; "
            "--append adds a probe point to it",
        )
    try:
        dynevents.define(tracing, probe)
    except Refused as refused:
        if _blames_place(refused) and isinstance(probe.place, SymbolPlace):
            moved = _present(probe, load_symbols)
            if moved is not None:
                return _define_moved(tracing, probe, moved, load_symbols, debug)
        raise explain(tracing, debug, probe, refused, load_symbols) from refused
    return Defined(probe)


def resolve(probe: Probe, load_symbols: LoadSymbols = Kallsyms.load) -> Defined:
    """The probe as `define_probe` would write it, without writing: for --dry-run."""
    if isinstance(probe.place, SymbolPlace):
        moved = _present(probe, load_symbols)
        if moved is not None:
            return Defined(moved, probe.place.symbol)
    return Defined(probe)


def _define_moved(
    tracing: Files, probe: Probe, moved: Probe, load_symbols: LoadSymbols, debug: Files | None
) -> Defined:
    try:
        dynevents.define(tracing, moved)
    except Refused as refused:
        raise explain(tracing, debug, moved, refused, load_symbols) from refused
    assert isinstance(probe.place, SymbolPlace)
    return Defined(moved, probe.place.symbol)


def _present(probe: Probe, load_symbols: LoadSymbols) -> Probe | None:
    """The probe at the present name of its function; None where the name is present as it is."""
    assert isinstance(probe.place, SymbolPlace)
    try:
        symbols = load_symbols()
    except OSError:
        return None
    if probe.place.module or symbols.has_function(probe.place.symbol):
        return None
    name = find_present(probe.place.symbol, symbols.has_function)
    return replace(probe, place=replace(probe.place, symbol=name)) if name else None


def _blames_place(refused: Refused) -> bool:
    """Whether an unknown symbol may be the reason: by errno, since some kernels log nothing."""
    return refused.errno in (errno.EINVAL, errno.ENOENT)
