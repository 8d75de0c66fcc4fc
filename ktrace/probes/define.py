"""Defining probes: written first, explained only when the kernel says no."""

import errno
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from ktrace.errors import Busy, Refused
from ktrace.host.host import Host
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.model.probe import Check, Probe
from ktrace.resolve.spec import Relocate, relocate_place
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.symbols.renames import may_be_bypassed
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
        differs: what the probe sees otherwise than one at the function asked for.
        unreached: why it may never be hit; None where nothing is known against it.
    """

    probe: Probe
    asked: str | None = None
    pending: bool = False
    built_in: bool = False
    appended: bool = False
    differs: tuple[str, ...] = ()
    unreached: str | None = None

    @property
    def note(self) -> str | None:
        """The line for stderr where the probe went to a function of another name, or waits for it."""
        place = self.probe.place.to_text()
        if self.unreached:
            return f"{self.probe.event} may never be hit: {self.unreached}"
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
        told = f"{self.asked} is {place} in this kernel: {self.probe.event} probes {place}"
        return "; ".join((told, *self.differs))


# many parameters: what is written, how, and three sources of explanations; all have defaults.
def define_probe(
    tracing: Files,
    probe: Probe,
    *,
    append: bool = False,
    load_symbols: LoadSymbols | None = None,
    debug: Files | None = None,
    move: Relocate = relocate_place,
    check: Check | None = None,
) -> Defined:
    """Define one probe, under its function's present name where the kernel does not know the one said.

    Args:
        append: add a probe point to an event that is there already; without it that is an error,
            since the kernel would extend the event without a word.
        move: rebuilds the probe for its function's present name.
        check: refuses what the kernel would take although it reads nothing.

    Raises:
        Busy: the event is there already.
        UsageError: `check` refused an argument.
        NotFound, Refused, Unavailable: the kernel refused; says why and what to do.
    """
    load_symbols = load_symbols or partial(Kallsyms.load, tracing.host)
    appended = _appended(tracing, probe, append)
    if check is not None:
        check(probe)
    asked, probe = probe, findable(tracing.host, probe, load_symbols)
    try:
        dynevents.define(tracing, probe)
    except Refused as refused:
        if _blames_place(refused) and isinstance(probe.place, SymbolPlace):
            moved = _moved(tracing.host, probe, load_symbols, move)
            if moved is not None:
                _define_moved(tracing, moved.probe, refused, load_symbols, debug, check)
                return replace(moved, appended=appended)
        from ktrace.probes.explain import explain  # noqa: PLC0415 -- most probes are not refused

        raise explain(tracing, debug, asked, refused, load_symbols) from refused
    if is_pending(tracing.host, probe):
        built_in = _is_built_in(probe, load_symbols)
        return Defined(probe, pending=True, built_in=built_in, appended=appended)
    return Defined(probe, appended=appended, unreached=_unreached(probe, load_symbols))


# many parameters: those of `define_probe`.
def resolve(
    tracing: Files,
    probe: Probe,
    load_symbols: LoadSymbols | None = None,
    *,
    append: bool = False,
    debug: Files | None = None,
    move: Relocate = relocate_place,
    check: Check | None = None,
) -> Defined:
    """Return the probe as `define_probe` would write it, without writing: for --dry-run.

    Raises:
        Busy, UsageError: as `define_probe`.
        NotFound, Refused: what can be seen to be missing without asking the kernel, or is on its blacklist.
    """
    load_symbols = load_symbols or partial(Kallsyms.load, tracing.host)
    appended = _appended(tracing, probe, append)
    if check is not None:
        check(probe)
    if is_pending(tracing.host, probe):
        return Defined(probe, pending=True, built_in=_is_built_in(probe, load_symbols), appended=appended)
    found = _moved(tracing.host, probe, load_symbols, move) or Defined(
        findable(tracing.host, probe, load_symbols), unreached=_unreached(probe, load_symbols)
    )
    if found.asked is not None and check is not None:
        check(found.probe)
    from ktrace.probes.explain import foreseen  # noqa: PLC0415 -- few only ask what would be written

    problem = foreseen(tracing, debug, found.probe, load_symbols)
    if problem is not None:
        raise problem
    return replace(found, appended=appended)


def _appended(tracing: Files, probe: Probe, append: bool) -> bool:
    """Return whether the event is there already. Raises Busy where that is not wanted."""
    there = tracing.exists(f"events/{probe.event}")
    if there and not append:
        raise Busy(
            f"the event {probe.event} is there already",
            hint=f"ktrace remove {probe.event}, or choose another name with --name; "
            "--append adds a probe point to it",
        )
    return there


def findable(host: Host, probe: Probe, load_symbols: LoadSymbols) -> Probe:
    """Place a probe by symbol instead of by address, which the kernel would not print back."""
    if not isinstance(probe.place, AddressPlace):
        return probe
    from ktrace.kernel.functions import place_at  # noqa: PLC0415 -- few probes are placed by an address

    try:
        found = replace(probe, place=place_at(probe.place.address, load_symbols()))
    except OSError:
        return probe
    return probe if is_pending(host, found) else found  # code of BPF has a module that is none


def _define_moved(
    tracing: Files,
    moved: Probe,
    refused: Refused,
    load_symbols: LoadSymbols,
    debug: Files | None,
    check: Check | None,
) -> None:
    try:
        if check is not None:
            check(moved)
        dynevents.define(tracing, moved)
    except Refused as again:
        from ktrace.probes.explain import explain  # noqa: PLC0415 -- as above

        raise explain(tracing, debug, moved, again, load_symbols) from refused


def is_pending(host: Host, probe: Probe) -> bool:
    """Return whether its function is in a module that is not loaded. The kernel then accepts any name."""
    if not isinstance(probe.place, SymbolPlace) or not probe.place.module:
        return False
    name = probe.place.module.replace("-", "_")
    try:
        text = host.read("/proc/modules")
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


def _moved(host: Host, probe: Probe, load_symbols: LoadSymbols, move: Relocate) -> Defined | None:
    """Return the probe at the present name of its function; None where the name is present as it is."""
    place = probe.place
    if not isinstance(place, SymbolPlace) or place.module:
        return None
    try:
        symbols = load_symbols()
    except OSError:
        return None
    if symbols.has_function(place.symbol):
        return None
    from ktrace.kernel.renamed import find_present  # noqa: PLC0415 -- most names are present

    present = find_present(place.symbol, symbols, host.uname().machine)
    if present is None:
        return None
    differs = present.differences(arg.expr for arg in probe.args)
    return Defined(move(probe, present.name), place.symbol, differs=differs)


def _unreached(probe: Probe, load_symbols: LoadSymbols) -> str | None:
    """Return why a probe that the kernel takes may never be hit; None where nothing is known against it."""
    if not isinstance(probe.place, SymbolPlace) or not may_be_bypassed(probe.place.symbol):
        return None
    from ktrace.kernel.renamed import unreached  # noqa: PLC0415 -- few functions are bypassed

    try:
        return unreached(probe.place.symbol, load_symbols())
    except OSError:
        return None


def _blames_place(refused: Refused) -> bool:
    """Return whether an unknown symbol may be the reason, judged by errno: some kernels log nothing."""
    return refused.errno in (errno.EINVAL, errno.ENOENT)
