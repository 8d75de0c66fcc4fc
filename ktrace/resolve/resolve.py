"""Resolve a definition to its probes, with all necessary look-ups.

A function and arguments in the kernel's own grammar are looked up nowhere: they are written, and explained
if the kernel refuses. What goes on from here to types and symbols is

    file->f_pos, count, $args       arguments in C, or by the name that they have there
    'tcp_*'                         wildcards
    tracepoint:sched_switch         tracepoints
    --kind, --all, --nth            a choice of how, or of which of several functions
    fs/read_write.c:474, vfs_read:12, ':kernel/bpf/*', --inlined
                                    places in the source, by debug info
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ktrace.kernel.kernel import Kernel
from ktrace.model.place import RETURN_SUFFIX, AddressPlace, SymbolPlace, parse_kernel_place
from ktrace.model.probe import Probe
from ktrace.resolve.ambiguous import check_choice
from ktrace.resolve.finder import Finder
from ktrace.resolve.kernel_lines import is_kernel_line, probe_from_kernel_line
from ktrace.resolve.parse import probe_from_words
from ktrace.resolve.plain import _SYSCALL, TRACEPOINT, check_arguments, is_lookup, is_plain
from ktrace.resolve.spec import ProbeOptions, ProbeSpec, relocate_place
from ktrace.symbols.dwarf import source_place as words
from ktrace.tracefs.events import is_glob


def want(words: Sequence[str], defaults: ProbeOptions, kernel: Kernel) -> list[ProbeSpec]:
    """Return the probes for one definition: one, unless it has a wildcard or selects all of a name.

    Raises:
        UsageError: the words are wrong; the caret is where.
        NotFound: no function, type or member of that name.
        Unavailable: this kernel cannot do it.
    """
    if is_kernel_line(words):
        return [ProbeSpec(probe_from_kernel_line(words, defaults))]
    place, *args = words
    if (
        not kernel.vmlinux
        and not is_lookup(place, defaults)
        and all(is_plain(arg, place, defaults) for arg in args)
    ):
        again = _Anew(tuple(words), defaults, kernel) if any("$arg" in arg for arg in args) else None
        return [ProbeSpec(probe_from_words(words, defaults), again=again)]

    return find_probes(place, tuple(args), defaults, kernel)


@dataclass(frozen=True, slots=True)
class _Anew:
    """Makes a probe anew for its function's present name, if that is one of a system call."""

    words: tuple[str, ...]
    defaults: ProbeOptions
    kernel: Kernel

    def __call__(self, probe: Probe, symbol: str) -> Probe:
        place = probe.place
        if not _SYSCALL.match(symbol) or not isinstance(place, SymbolPlace):
            return relocate_place(probe, symbol)

        moved = replace(place, symbol=symbol).to_text() + (RETURN_SUFFIX if probe.is_return else "")
        defaults = replace(self.defaults, name=probe.name)
        return find_probes(moved, self.words[1:], defaults, self.kernel)[0].probe


def find_probes(text: str, args: tuple[str, ...], defaults: ProbeOptions, kernel: Kernel) -> list[ProbeSpec]:
    """Return the probes for `text`, a place with or without `%return`. Raises as `resolve.want`."""
    check_arguments(args)
    at_return = defaults.at_return or text.endswith(RETURN_SUFFIX)
    finder = Finder(args, at_return, defaults, kernel)
    name = text.removesuffix(RETURN_SUFFIX)
    check_choice(name, defaults)
    if name.startswith(TRACEPOINT):
        from ktrace.resolve.tracepoints import tracepoint_probe  # noqa: PLC0415 -- a kind of its own

        return [tracepoint_probe(name.removeprefix(TRACEPOINT), args, at_return, defaults, kernel)]
    if (source := words.parse(name)) is not None:
        from ktrace.resolve.source_lines import at_source  # noqa: PLC0415 -- needs debug info

        return at_source(source, name, finder)
    if is_glob(name):
        return finder.matching(name)
    place = parse_kernel_place(name)
    if isinstance(place, AddressPlace):
        return [finder.at_address(place, None)]
    if defaults.inlined:
        from ktrace.resolve.source_lines import everywhere  # noqa: PLC0415 -- as above

        return everywhere(place, finder)
    if defaults.every or defaults.nth is not None:
        return finder.of_several(place)
    return [finder.at(place)]
