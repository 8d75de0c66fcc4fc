"""Resolve a definition to its probes, with all necessary look-ups.

A function and arguments in the kernel's own grammar are not looked up: they are written, and explained if the
kernel refuses. What needs types and symbols is

    file->f_pos, count, $args       arguments in C, or by their names
    'tcp_*'                         wildcards
    tracepoint:sched_switch         tracepoints
    --kind, --all, --nth            a choice of how, or of which of several functions
    fs/read_write.c:474, vfs_read:12, ':kernel/bpf/*', --inlined
                                    places in the source, by debug info
"""

from collections.abc import Sequence
from dataclasses import replace

from ktrace.kernel.kernel import Kernel
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.model.probe import Probe
from ktrace.records import dataclass
from ktrace.resolve.ambiguous import check_choice
from ktrace.resolve.finder import Finder
from ktrace.resolve.kernel_lines import is_kernel_line, probe_from_kernel_line
from ktrace.resolve.parse import plain_probe
from ktrace.resolve.place_words import (
    FunctionsOfFiles,
    LinesOfFile,
    LinesOfFunction,
    PlaceWord,
    Tracepoint,
    Wildcard,
    parse_place,
)
from ktrace.resolve.plain import check_arguments, is_lookup, is_plain, is_syscall_entry
from ktrace.resolve.spec import ProbeOptions, ProbeSpec, relocate_place


def want(words: Sequence[str], defaults: ProbeOptions, kernel: Kernel) -> list[ProbeSpec]:
    """Return the probes for one definition: one, unless it has a wildcard or selects all of a name.

    Raises:
        UsageError: the words are wrong; the caret is where.
        NotFound: no function, type or member of that name.
        Unavailable: this kernel cannot do it.
    """
    if is_kernel_line(words):
        return [_as_written(probe_from_kernel_line(words, defaults), kernel)]
    text, *args = words
    return find_probes(parse_place(text), tuple(args), defaults, kernel)


def find_probes(
    word: PlaceWord, args: tuple[str, ...], defaults: ProbeOptions, kernel: Kernel
) -> list[ProbeSpec]:
    """Return the probes for a place. Nothing is looked up if the kernel can read all of it unchanged.

    Raises:
        As `want`.
    """
    place, at_return = word.place, defaults.at_return or word.at_return
    if isinstance(place, SymbolPlace) and place.module:
        from ktrace.resolve.systems import refuse_unknown_event  # noqa: PLC0415 -- few places name a module

        refuse_unknown_event(place, kernel)
    if (
        isinstance(place, SymbolPlace | AddressPlace)
        and not kernel.vmlinux
        and not is_lookup(word, defaults)
        and all(is_plain(arg, _function(word), at_return=at_return) for arg in args)
    ):
        relocate = _Relocated(args, defaults, kernel) if any("$arg" in arg for arg in args) else None
        return [
            replace(_as_written(plain_probe(place, args, at_return, defaults), kernel), relocate=relocate)
        ]
    return _looked_up(word, args, defaults, kernel)


def _as_written(probe: Probe, kernel: Kernel) -> ProbeSpec:
    """Return a probe whose arguments the kernel reads unchanged."""
    if not any(arg.expr in ("%ip", "$retval") for arg in probe.args):
        return ProbeSpec(probe)
    from ktrace.resolve.facts import known_values  # noqa: PLC0415 -- few probes have values to tell

    return ProbeSpec(probe, known_values(probe.args, probe.kind, kernel.machine))


@dataclass(frozen=True, slots=True)
class _Relocated:
    """A function that rebuilds the probe if its function's present name is the entry of a system call."""

    args: tuple[str, ...]
    defaults: ProbeOptions
    kernel: Kernel

    def __call__(self, probe: Probe, symbol: str) -> Probe:
        place = probe.place
        if not is_syscall_entry(symbol) or not isinstance(place, SymbolPlace):
            return relocate_place(probe, symbol)
        moved = PlaceWord(replace(place, symbol=symbol), probe.is_return)
        return _looked_up(moved, self.args, replace(self.defaults, name=probe.name), self.kernel)[0].probe


def _function(word: PlaceWord) -> str | None:
    return word.place.symbol if isinstance(word.place, SymbolPlace) else None


def _looked_up(
    word: PlaceWord, args: tuple[str, ...], defaults: ProbeOptions, kernel: Kernel
) -> list[ProbeSpec]:
    check_arguments(args)
    check_choice(word, defaults)
    finder = Finder(args, defaults.at_return or word.at_return, defaults, kernel)
    match word.place:
        case Tracepoint(name):
            from ktrace.resolve.tracepoints import tracepoint_probe  # noqa: PLC0415 -- a separate kind of probe

            return [tracepoint_probe(name, args, finder.at_return, defaults, kernel)]
        case LinesOfFunction() | LinesOfFile() | FunctionsOfFiles() as source:
            from ktrace.resolve.source_lines import at_source  # noqa: PLC0415 -- needs debug info

            return at_source(source, word.text, finder)
        case Wildcard() as wildcard:
            return finder.matching(wildcard)
        case AddressPlace() as address:
            return [finder.at_address(address, None)]
        case SymbolPlace() as place if defaults.inlined:
            from ktrace.resolve.source_lines import everywhere  # noqa: PLC0415 -- as above

            return everywhere(place, finder)
        case SymbolPlace() as place if defaults.every or defaults.nth is not None:
            return finder.of_several(place)
        case SymbolPlace() as place:
            return [finder.at(place)]
