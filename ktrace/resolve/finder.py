"""Find the probes for a place: a function, several functions of one name, or a wildcard.

Symbols and types are looked up here, and `resolve.resolve` decides when. Modules for types are loaded late.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from ktrace.errors import KtraceError, NotFound, Unavailable, UsageError
from ktrace.kernel.functions import MANY, Probeable, place_of
from ktrace.kernel.kernel import Kernel
from ktrace.model.arg_words import reads_register
from ktrace.model.fetch import FetchArg, name_args, parse_fetch_arg
from ktrace.model.miss import Miss
from ktrace.model.names import EVENT_MAX, to_identifier
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.model.probe import DEFAULT_GROUPS, Kind, Probe
from ktrace.model.registers import dump_args
from ktrace.model.suffixes import PADDING, changed_parameters, plain_name
from ktrace.records import dataclass
from ktrace.resolve.ambiguous import check_nth
from ktrace.resolve.place_words import Wildcard
from ktrace.resolve.plain import is_plain
from ktrace.resolve.spec import (
    SEVERAL,
    Arguments,
    InSource,
    ProbeOptions,
    ProbeSpec,
    check_number,
    different_names,
    event_name,
    skipped_note,
    skipped_text,
)
from ktrace.symbols.kallsyms import Symbol

if TYPE_CHECKING:
    from ktrace.expr.source import Site
    from ktrace.symbols.btf import Btf


@dataclass(frozen=True, slots=True)
class Finder:
    """The arguments and options of one definition, which can be applied to any function."""

    args: tuple[str, ...]
    at_return: bool
    defaults: ProbeOptions
    kernel: Kernel

    def at(self, place: SymbolPlace, *, nth: int | None = None) -> ProbeSpec:
        """Return the probe at the function of this name."""
        kind = self._kind(place)
        if kind == "f":
            place = replace(place, module=None)  # the kernel takes fprobes by the bare name
        if (plain := self.plain(place.symbol)) is not None:
            if self.kernel.vmlinux:  # otherwise the kernel reports best whether the function exists
                self._function(place)
            return self.wanted(kind, place, plain)
        found, types = self._function(place)
        site = self._site(kind, found, nth)
        if site.where == "inside" or (changed_parameters(found.symbol) and not site.force):
            arguments = self.with_variables(site, found, types)
        else:
            arguments = self._arguments(site, types)
        requested = place.symbol if found.symbol != place.symbol else None
        return self.wanted(
            kind, found, arguments, named_after=place, requested=requested, differs=self._differs(requested)
        )

    def plain(self, function: str) -> Arguments | None:
        """Return the arguments if the kernel can read all of them unchanged, otherwise None."""
        if not all(is_plain(arg, function, at_return=self.at_return) for arg in self.args):
            return None
        return Arguments(tuple(map(parse_fetch_arg, self.args)))

    def with_variables(
        self,
        site: "Site",
        place: SymbolPlace,
        types: "Btf | Miss",
        nth: int = 1,
        line: "InSource | None" = None,
    ) -> Arguments:
        """Resolve the arguments with debug info if there is any, otherwise without it.

        Args:
            line: tells the requested function from functions that were inlined into it at this place.
        """
        from ktrace.resolve.arguments import function_arguments  # noqa: PLC0415 -- few probes need types

        try:
            info = self.kernel.debug_info(place.module)
            found = info.variables(place, nth)
        except NotFound as error:
            found = Miss("debug info", (error.hint or error.message).partition("\n")[0])
        if isinstance(found, Miss):
            return self._arguments(replace(site, variables=found), types)
        frames = info.source_at(place, nth)
        meant = next((n for n, frame in enumerate(frames) if line is not None and line(frame)), 0)
        inner = {frame.function for frame in frames[:meant]} - {frames[meant].function}
        visible = tuple(v for v in found.variables if v.function not in inner)
        here = replace(site, function=frames[meant].function, variables=visible)
        return function_arguments(self.args, here, info.types_at(place, types, nth))

    def at_address(
        self, place: AddressPlace | SymbolPlace, symbol: Symbol | None, *, offset: int = 0
    ) -> ProbeSpec:
        """Return the probe at an address, with the arguments of the function there."""
        from ktrace.resolve.arguments import at_address  # noqa: PLC0415 -- as above

        if self.defaults.kind == "fprobe":
            raise UsageError("an fprobe takes a function's name, not an address", hint="leave --kind out")
        kind: Kind = "r" if self.at_return else "p"
        where = SymbolPlace(symbol.name, offset, symbol.module) if symbol else None
        site = self._site(kind, where, None)
        # By address the kernel knows neither its parameters' names nor their number.
        features = replace(site.features, btf_args=False, btf_members=False, entry_args_at_return=False)
        types = self.kernel.types(symbol.module if symbol else None)
        found = self._arguments(replace(site, features=features), types)
        args = tuple(at_address(arg, self.kernel.machine) for arg in found.args)
        return self.wanted(kind, place, replace(found, args=args), named_after=where)

    def of_several(self, place: SymbolPlace) -> list[ProbeSpec]:
        """Return the probes for `--all` and `--nth`, which select among functions of the same name."""
        symbols = [s for s in self.kernel.symbols.find(place.symbol, place.module) if s.is_function]
        nth = self.defaults.nth
        if len(symbols) <= 1:
            check_nth(place, nth, self.kernel)
            return [self.at(place, nth=nth)]
        if nth is not None and not 1 <= nth <= len(symbols):
            from ktrace.kernel.inlined import declared_in  # noqa: PLC0415 -- only to explain

            files = declared_in(place.symbol, self.kernel.installed_debug_info)
            listed = [
                f"{n}: {s.described}  {files.get(n, '')}".rstrip() for n, s in enumerate(symbols, start=1)
            ]
            raise UsageError(
                f"--nth {nth}: there are {len(symbols)} functions called '{place.symbol}'",
                hint="\n".join(listed),
            )
        chosen = symbols if nth is None else [symbols[nth - 1]]
        return different_names(self._one_of(symbol, symbols, place.offset) for symbol in chosen)

    def matching(self, wildcard: Wildcard) -> list[ProbeSpec]:
        """Return a probe for every function that matches a wildcard and can be probed."""
        text = wildcard.to_text()
        by_name: dict[str, list[Symbol]] = {}
        for symbol in self.kernel.symbols.matching(wildcard.glob):
            if not symbol.name.startswith(PADDING) and symbol.module == (wildcard.module or symbol.module):
                by_name.setdefault(symbol.name, []).append(symbol)
        if not by_name:
            from ktrace.resolve.systems import means_system, unknown_event  # noqa: PLC0415 -- only to explain

            if wildcard.module and means_system(wildcard.module, self.kernel):
                raise unknown_event(text, self.kernel)
            raise NotFound(
                f"no function matches '{text}'",
                hint="`ktrace funcs GLOB` looks for functions; quote wildcards from the shell",
            )
        return self.each_of(by_name, text)

    def each_of(self, by_name: dict[str, list[Symbol]], text: str) -> list[ProbeSpec]:
        """Return a probe for each of these functions that can be probed; `text` is the matching pattern."""
        skipped: dict[str, int] = {}
        chosen: list[tuple[Symbol, list[Symbol]]] = []
        probeable = Probeable.of(self.kernel)
        for name, symbols in by_name.items():
            reason = probeable.why_not(name)
            if reason is None and len(symbols) > 1 and not self.defaults.every:
                reason = SEVERAL
            if reason is None:
                chosen += [(symbol, symbols) for symbol in symbols]
            else:
                skipped[reason] = skipped.get(reason, 0) + len(symbols)
        matched = sum(map(len, by_name.values()))
        check_number(text, len(chosen), self.defaults)
        wanted, first = self._each(chosen, skipped)
        if not wanted:
            if first:
                raise first
            why = skipped_text(skipped)
            raise NotFound(f"none of the {matched} functions of '{text}' can be probed: {why}")
        if skipped:
            note = skipped_note(text, matched, len(wanted), skipped)
            wanted[0] = replace(wanted[0], notes=(*wanted[0].notes, note))
        return different_names(wanted)

    def _each(
        self, chosen: list[tuple[Symbol, list[Symbol]]], skipped: dict[str, int]
    ) -> tuple[list[ProbeSpec], KtraceError | None]:
        """Return a probe for each function that has all arguments, and the first error."""
        wanted: list[ProbeSpec] = []
        first: KtraceError | None = None
        if (
            len(chosen) > MANY
            and self.plain("") is None
            and not isinstance(types := self.kernel.types(), Miss)
        ):
            types.expect_all("function")
        for symbol, symbols in chosen:
            try:
                wanted.append(replace(self._one_of(symbol, symbols, 0), one_of_many=True))
            except (UsageError, NotFound) as error:
                first = first or error
                skipped["without such arguments"] = skipped.get("without such arguments", 0) + 1
        return wanted, first

    def _one_of(self, symbol: Symbol, symbols: list[Symbol], offset: int) -> ProbeSpec:
        if sum(s.module == symbol.module for s in symbols) == 1:
            return self.at(SymbolPlace(symbol.name, offset, symbol.module))
        return self.at_address(place_of(symbol, offset, self.kernel), symbol, offset=offset)

    def _kind(self, place: SymbolPlace) -> Kind:
        """Return the kind of probe to use: `p`, `r` or `f`."""
        kprobe: Kind = "r" if self.at_return else "p"
        if self.defaults.kind == "kprobe":
            return kprobe
        registers = self.defaults.regs or any(map(reads_register, self.args))
        if self.defaults.kind == "fprobe":
            if not self.kernel.features.fprobe:
                raise Unavailable(
                    "this kernel has no fprobe events (CONFIG_FPROBE_EVENTS, since 6.5)",
                    hint="leave --kind out, or say --kind auto",
                )
            if place.offset or registers:
                what = f"+{place.offset}" if place.offset else "registers"
                raise UsageError(
                    f"an fprobe is at a function's entry or return and has no registers: not {what}",
                    hint="--kind kprobe has both; arguments by name or $argN work with either",
                )
            return "f"
        if place.offset or place.module or registers or self.defaults.maxactive:
            return kprobe
        fits = self.kernel.features.fprobe and Probeable.of(self.kernel).traceable_once(place.symbol)
        return "f" if fits else kprobe

    def _function(self, place: SymbolPlace) -> "tuple[SymbolPlace, Btf | Miss]":
        """Return the place of the function in this kernel, and the types that describe it."""
        types = self.kernel.types(place.module)
        plain = plain_name(place.symbol)
        if place.module or (not isinstance(types, Miss) and not isinstance(types.functions(plain), Miss)):
            return place, types
        symbols = self.kernel.symbols
        found = [s for s in symbols.find(place.symbol) if s.is_function]
        if found:
            module = found[0].module
            return replace(place, module=module), self.kernel.types(module) if module else types
        from ktrace.kernel.renamed import present_name  # noqa: PLC0415 -- most names are present

        present = present_name(place.symbol, symbols, self.kernel.machine)
        if present is None:
            raise self._unknown(place)
        return replace(place, symbol=present), types

    def _differs(self, requested: str | None) -> tuple[str, ...]:
        """Return what differs for a probe at this function's present name; empty if it was not renamed."""
        from ktrace.kernel.renamed import find_present  # noqa: PLC0415 -- most names are present

        present = find_present(requested, self.kernel.symbols, self.kernel.machine) if requested else None
        return present.differences(self.args) if present else ()

    def _unknown(self, place: SymbolPlace) -> NotFound:
        from ktrace.kernel.inlined import NOWHERE, inlined_hint  # noqa: PLC0415 -- only to explain

        hint = inlined_hint(place.symbol, self.kernel.installed_debug_info)
        miss = self.kernel.symbols.miss(place.symbol)
        if hint is None and miss.near:
            hint = "close to it: " + ", ".join(miss.near)
        return NotFound(
            f"this kernel has no function '{place.symbol}'",
            excerpt=" ".join([place.to_text(), *self.args]),
            caret=0,
            hint=hint or NOWHERE,
        )

    def _arguments(self, site: "Site", types: "Btf | Miss") -> Arguments:
        from ktrace.resolve.arguments import function_arguments, syscall_arguments  # noqa: PLC0415 -- as above
        from ktrace.symbols.syscalls import takes_pt_regs  # noqa: PLC0415 -- as above

        if site.function and takes_pt_regs(site.function):
            return syscall_arguments(self.args, site.function, site, self.kernel)
        return function_arguments(self.args, site, types)

    def _site(self, kind: Kind, place: SymbolPlace | None, nth: int | None) -> "Site":
        from ktrace.expr.source import Site  # noqa: PLC0415 -- as above
        from ktrace.resolve.facts import with_facts  # noqa: PLC0415 -- as above

        where: Literal["entry", "return", "inside"] = "entry"
        if self.at_return:
            where = "return"
        elif place is None or place.offset:
            where = "inside"
        features = self.kernel.features
        if place and place.module:
            # The kernel looks up parameters by the name as written, and does not find MODULE:NAME.
            features = replace(features, btf_args=False, btf_members=False)
        site = Site(
            place.symbol if place else None,
            where,
            self.kernel.machine,
            features,
            registers=kind != "f",
            nth=nth,
            force=self.defaults.force,
            either_arrow=self.defaults.either_arrow,
            whole=self.defaults.whole,
        )
        return with_facts(site, self.kernel)

    def wanted(
        self,
        kind: Kind,
        place: SymbolPlace | AddressPlace,
        found: Arguments,
        *,
        named_after: SymbolPlace | str | None = None,
        requested: str | None = None,
        differs: tuple[str, ...] = (),
    ) -> ProbeSpec:
        """Return the probe with these arguments, named after `named_after` if no name is given."""
        defaults = self.defaults
        args: tuple[FetchArg, ...] = name_args(found.args)
        if defaults.regs:
            args = name_args((*dump_args(self.kernel.machine, at_return=self.at_return), *args))
        name = defaults.name
        if name is None:
            name = (
                to_identifier(named_after, EVENT_MAX)
                if isinstance(named_after, str)
                else event_name(named_after or place, at_return=self.at_return)
            )
        group = defaults.group or DEFAULT_GROUPS[kind]
        probe = Probe(
            kind=kind,
            group=group,
            name=name,
            place=place,
            args=args,
            at_return=kind == "f" and self.at_return,
            maxactive=defaults.maxactive if self.at_return else 0,
        ).checked()
        notes = found.notes
        if requested:
            told = f"{requested} is {place.to_text()} in this kernel: {probe.event} probes it"
            notes = ("; ".join((told, *differs)), *notes)
        names = dict(found.names or {})
        if self.at_return or defaults.regs:
            from ktrace.resolve.facts import known_values  # noqa: PLC0415 -- as above

            names = {**known_values(args, kind, self.kernel.machine), **names}
        return ProbeSpec(probe, names, notes, requested, relocate=self._relocate(name) if self.args else None)

    def _relocate(self, name: str) -> "_Relocated":
        return _Relocated(replace(self, defaults=replace(self.defaults, name=name)))


@dataclass(frozen=True, slots=True)
class _Relocated:
    """A function that rebuilds the probe for another function name, where arguments may be elsewhere."""

    finder: Finder

    def __call__(self, probe: Probe, symbol: str) -> Probe:
        place = probe.place
        assert isinstance(place, SymbolPlace)
        return self.finder.at(replace(place, symbol=symbol)).probe
