"""Define one probe: write it first, explain only if the kernel refuses."""

import errno
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ktrace.errors import Busy, Refused
from ktrace.host.host import Host
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.model.probe import Check, Probe
from ktrace.records import dataclass
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
        requested: the symbol that was asked for, if the function has another name in this kernel.
        pending: whether it waits for its module to be loaded.
        built_in: whether it waits in vain, because its function is in the kernel and not in that module.
        appended: whether it is one more probe point of an existing event.
        differs: what the probe sees differently from one at the requested function, one sentence each.
        unreached: why it may never be hit; None if no reason is known.
    """

    probe: Probe
    requested: str | None = None
    pending: bool = False
    built_in: bool = False
    appended: bool = False
    differs: tuple[str, ...] = ()
    unreached: str | None = None

    @property
    def note(self) -> str | None:
        """Say that the probe has another name, waits, or may never be hit; None if there is no remark."""
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
        if self.requested is None:
            return None
        told = f"{self.requested} is {place} in this kernel: {self.probe.event} probes {place}"
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
    """Define one probe. If the kernel does not know the function, its present name is tried.

    Args:
        tracing: the tracing directory.
        probe: the probe.
        append: add a probe point to an existing event; without it an existing event is an error, because
            the kernel would silently extend it.
        load_symbols: reads kallsyms; called only if symbols are needed.
        debug: debugfs, for explanations; None if it is not mounted.
        move: rebuilds the probe for its function's present name.
        check: refuses arguments that the kernel accepts although their values mean nothing.

    Raises:
        Busy: the event exists already.
        UsageError: `check` refused an argument.
        NotFound, Refused, Unavailable: the kernel refused; the error says why and what to do.
    """
    load_symbols = load_symbols or partial(Kallsyms.load, tracing.host)
    appended = _appended(tracing, probe, append)
    if check is not None:
        check(probe)
    requested, probe = probe, findable(tracing.host, probe, load_symbols)
    try:
        dynevents.define(tracing, probe)
    except Refused as refused:
        if _blames_place(refused) and isinstance(probe.place, SymbolPlace):
            moved = _moved(tracing.host, probe, load_symbols, move)
            if moved is not None:
                _define_moved(tracing, moved.probe, refused, load_symbols, debug, check)
                return replace(moved, appended=appended)
        from ktrace.probes.explain import explain  # noqa: PLC0415 -- most probes are not refused

        raise explain(tracing, debug, requested, refused, load_symbols) from refused
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
    """Return the probe as `define_probe` would write it, without writing it: for --dry-run.

    Raises:
        Busy, UsageError: as `define_probe`.
        NotFound, Refused: the place is missing or on the blacklist, as far as that can be seen.
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
    if found.requested is not None and check is not None:
        check(found.probe)
    from ktrace.probes.explain import foreseen  # noqa: PLC0415 -- only for --dry-run

    problem = foreseen(tracing, debug, found.probe, load_symbols)
    if problem is not None:
        raise problem
    return replace(found, appended=appended)


def _appended(tracing: Files, probe: Probe, append: bool) -> bool:
    """Return whether the event exists already. Raises Busy if it must not."""
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
    return probe if is_pending(host, found) else found  # code of BPF has a module name without a module


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
    """Return the probe at its function's present name; None if the function has the name that was given."""
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
    """Return why a probe that the kernel accepts may never be hit; None if no reason is known."""
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
