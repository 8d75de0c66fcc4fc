"""Defining probes: written first, explained only when the kernel says no."""

import errno
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ktrace.errors import Busy, Refused
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.model.probe import Probe
from ktrace.session.words import Move, move_place
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.tracefs import dynevents
from ktrace.tracefs.files import Files

LoadSymbols = Callable[[], Kallsyms]


@dataclass(frozen=True, slots=True)
class Defined:
    """A probe that the kernel took.

    Attributes:
        asked: the symbol asked for, where it goes by another name.
        pending: it waits for its module to be loaded.
        built_in: it waits in vain: its function is in the kernel itself, not in that module.
        appended: it is one more probe point of an event that was there before.
    """

    probe: Probe
    asked: str | None = None
    pending: bool = False
    built_in: bool = False
    appended: bool = False

    @property
    def note(self) -> str | None:
        """The line for stderr where the probe went to a function of another name, or waits for it."""
        place = self.probe.place.to_text()
        if self.pending:
            module, _, function = place.partition(":")
            if self.built_in:
                return (
                    f"{self.probe.event} will not be hit: {function} is in the kernel itself, not in a "
                    f"module; leave {module}: out"
                )
            return f"{self.probe.event} waits: module {module} is not loaded (`ktrace list` shows it)"
        if self.asked is None:
            return None
        return f"{self.asked} is {place} in this kernel: {self.probe.event} probes {place}"


def define_probe(
    tracing: Files,
    probe: Probe,
    *,
    append: bool = False,
    load_symbols: LoadSymbols = Kallsyms.load,
    debug: Files | None = None,
    move: Move = move_place,
) -> Defined:
    """Define one probe, under its function's present name where the kernel does not know the one said.

    Args:
        append: add a probe point to an event that is there already; without it that is an error,
            since the kernel would extend the event without a word.
        move: makes the probe anew for its function's present name.

    Raises:
        Busy: the event is there already.
        NotFound, Refused, Unavailable: the kernel refused; says why and what to do.
    """
    appended = tracing.exists(f"events/{probe.event}")
    if appended and not append:
        raise Busy(
            f"the event {probe.event} is there already",
            hint=f"ktrace remove {probe.event}, or choose another name with --name; "
            "--append adds a probe point to it",
        )
    asked, probe = probe, findable(probe, load_symbols)
    try:
        dynevents.define(tracing, probe)
    except Refused as refused:
        if _blames_place(refused) and isinstance(probe.place, SymbolPlace):
            moved = _present(probe, load_symbols, move)
            if moved is not None:
                found = _define_moved(tracing, probe, moved, load_symbols, debug)
                return replace(found, appended=appended)
        from ktrace.session.explain import explain  # noqa: PLC0415 -- most probes are not refused

        raise explain(tracing, debug, asked, refused, load_symbols) from refused
    if is_pending(probe):
        built_in = _is_built_in(probe, load_symbols)
        return Defined(probe, pending=True, built_in=built_in, appended=appended)
    return Defined(probe, appended=appended)


def resolve(probe: Probe, load_symbols: LoadSymbols = Kallsyms.load, *, move: Move = move_place) -> Defined:
    """The probe as `define_probe` would write it, without writing: for --dry-run."""
    if isinstance(probe.place, SymbolPlace):
        moved = _present(probe, load_symbols, move)
        if moved is not None:
            return Defined(moved, probe.place.symbol)
    return Defined(findable(probe, load_symbols))


def findable(probe: Probe, load_symbols: LoadSymbols = Kallsyms.load) -> Probe:
    """The probe by a symbol where it is placed by an address, which the kernel would not print again."""
    if not isinstance(probe.place, AddressPlace):
        return probe
    from ktrace.session.functions import place_at  # noqa: PLC0415 -- few probes are placed by an address

    try:
        found = replace(probe, place=place_at(probe.place.address, load_symbols()))
    except OSError:
        return probe
    return probe if is_pending(found) else found  # code of BPF has a module that is none


def _define_moved(
    tracing: Files, probe: Probe, moved: Probe, load_symbols: LoadSymbols, debug: Files | None
) -> Defined:
    try:
        dynevents.define(tracing, moved)
    except Refused as refused:
        from ktrace.session.explain import explain  # noqa: PLC0415 -- as above

        raise explain(tracing, debug, moved, refused, load_symbols) from refused
    assert isinstance(probe.place, SymbolPlace)
    return Defined(moved, probe.place.symbol)


def is_pending(probe: Probe, modules: str = "/proc/modules") -> bool:
    """Whether its function is in a module that is not loaded: the kernel takes any name then."""
    if not isinstance(probe.place, SymbolPlace) or not probe.place.module:
        return False
    name = probe.place.module.replace("-", "_")
    try:
        text = Path(modules).read_text()
    except OSError:
        return False
    return not any(line.split(" ", 1)[0] == name for line in text.splitlines())


def _is_built_in(probe: Probe, load_symbols: LoadSymbols) -> bool:
    assert isinstance(probe.place, SymbolPlace)
    try:
        found = load_symbols().find(probe.place.symbol)
    except OSError:
        return False
    return any(symbol.is_function and symbol.module is None for symbol in found)


def _present(probe: Probe, load_symbols: LoadSymbols, move: Move) -> Probe | None:
    """The probe at the present name of its function; None where the name is present as it is."""
    assert isinstance(probe.place, SymbolPlace)
    try:
        symbols = load_symbols()
    except OSError:
        return None
    if probe.place.module or symbols.has_function(probe.place.symbol):
        return None
    from ktrace.session.present import present_name  # noqa: PLC0415 -- most names are present

    name = present_name(probe.place.symbol, symbols)
    return move(probe, name) if name else None


def _blames_place(refused: Refused) -> bool:
    """Whether an unknown symbol may be the reason: by errno, since some kernels log nothing."""
    return refused.errno in (errno.EINVAL, errno.ENOENT)
