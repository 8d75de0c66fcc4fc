"""The running kernel as a `Machine` of scripts, built on the session's own look-ups."""

import fnmatch
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace

from ktrace.errors import KtraceError, NotFound, Unavailable, UsageError
from ktrace.kernel.kernel import Kernel
from ktrace.kernel.renamed import present_name
from ktrace.model.ctype import FuncProto, Function, declare
from ktrace.model.fetch_types import parse_type
from ktrace.model.miss import Miss
from ktrace.model.names import EVENT_MAX
from ktrace.records import dataclass
from ktrace.resolve.arguments import is_left_out, syscall_params
from ktrace.resolve.resolve import want
from ktrace.resolve.spec import MAX_PROBES, ProbeOptions, ProbeSpec
from ktrace.script.driver.argument_type import argument_type
from ktrace.script.driver.current_task import CurrentTask
from ktrace.script.driver.kernel_symbols import KernelSymbols
from ktrace.script.driver.live_events import StaticEvents
from ktrace.script.driver.meant_probes import function_of, meant
from ktrace.script.driver.place_texts import PlaceTexts
from ktrace.script.driver.program_memory import read_text
from ktrace.script.driver.type_layout import find_named, layout_of
from ktrace.script.driver.variable_format import shape_of
from ktrace.script.kernel_interface import Found, Read, Shape
from ktrace.script.language.points import AtEvent, AtFunction, AtSyscall
from ktrace.script.own_task import EACH_CPU, path_of
from ktrace.symbols.syscall_numbers import syscall_names
from ktrace.symbols.syscalls import function_names
from ktrace.tracefs.events import read_format

_LINE_MAX = 4000  # the kernel takes definitions of 4 KiB


@dataclass(slots=True)
class ScriptKernel:
    """The running kernel, as scripts see it.

    Args:
        kernel: provides functions, types and events.
        group: the group of the probes that are made.
        names: the kernel's symbols, by address.
        max_probes: the most functions that a wildcard may match.

    Attributes:
        wanted: the probes that were found, by `Found.key`.
        doubts: what could not be found out about the places.
        events: the static events that were found, as `SYSTEM/NAME`, by `Found.key`.
    """

    kernel: Kernel
    group: str
    names: KernelSymbols
    max_probes: int = MAX_PROBES
    wanted: dict[int, ProbeSpec] = field(default_factory=dict)
    events: dict[int, str] = field(default_factory=dict)
    doubts: dict[str, None] = field(default_factory=dict)
    _asked: dict[object, list[ProbeSpec] | KtraceError] = field(default_factory=dict)
    _static: StaticEvents = field(init=False)
    _places: PlaceTexts = field(init=False)
    _task: CurrentTask = field(init=False)
    _names: set[str] = field(default_factory=set)
    _tracepoints: dict[str, tuple[int, tuple[Read, ...]]] = field(default_factory=dict)
    _keys: int = 0

    def __post_init__(self) -> None:
        self._static = StaticEvents(self.kernel, self.group, self.doubts)
        self._places = PlaceTexts(self.kernel, self.group, self.doubts)
        self._task = CurrentTask(self.kernel)

    def find(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> Sequence[Found]:
        """See `Machine`."""
        if isinstance(site, AtEvent):
            return self._at_event(site, reads)
        plain = tuple(read for read in reads if path_of(read) is None)
        made = self._with_task(site, plain, self._task.arguments(reads))
        return [self._found(self._own_name(one), site, reads) for one in made]

    def _with_task(
        self, site: AtFunction | AtSyscall, reads: tuple[Read, ...], task: tuple[str, ...]
    ) -> list[ProbeSpec]:
        """Return the probes of a site, with arguments about the current task if the kernel takes them."""
        if task:
            with suppress(KtraceError):
                made = self._wanted(site, reads, task)
                if all(len(one.probe.to_line()) < _LINE_MAX for one in made):
                    return made
        return self._wanted(site, reads)

    def readable(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> bool:
        """See `Machine`."""
        try:
            if not isinstance(site, AtEvent):
                return bool(
                    self._wanted(replace(site, at_return=False) if _at_entry(reads) else site, tuple(reads))
                )
            names = self._static.named(site)
        except KtraceError:
            return False
        return bool(names) and self._static.has(names[0], tuple(reads))

    def exists(self, site: AtFunction | AtEvent | AtSyscall) -> bool:
        """See `Machine`. Other methods look up a plain name only after the kernel has refused it."""
        if isinstance(site, AtEvent):
            return bool(self._static.named(site))
        if isinstance(site, AtSyscall):
            names = function_names(site.name, self.kernel.machine)
            found = any(map(self.kernel.symbols.has_function, names))
            return found and not is_left_out(site.name, self.kernel)
        if site.place is not None or site.inline:
            self._need_debug_info(site)
        found_by_looking = site.place is not None or site.module is not None or site.inline
        if found_by_looking or any(ch in site.pattern for ch in "*?["):
            try:
                return bool(self._wanted(site, ())) and self._is_there(site)
            except NotFound:
                return False
        symbols = self.kernel.symbols
        if site.absolute is not None or symbols.has_function(site.pattern):
            return True
        return self._is_renamed(site.pattern)

    def _need_debug_info(self, site: AtFunction) -> None:
        """Raise Unavailable if it cannot be known whether a place in the source exists."""
        by_name = site.place is not None and not site.lines and not site.inline
        if by_name and not any(ch in site.pattern for ch in "*?["):
            return  # the function can be found by its name, without its file
        try:
            self.kernel.debug_info(site.module)
        except NotFound as error:
            raise Unavailable(error.message, hint=error.hint) from error

    def _is_there(self, site: AtFunction) -> bool:
        """Return whether the kernel has the function of a place in a module or file."""
        if any(ch in site.pattern for ch in "*?[") or site.lines:
            return True  # the look-up has found it
        symbols = [one for one in self.kernel.symbols.find(site.pattern) if one.is_function]
        if site.module is not None:
            return any(fnmatch.fnmatchcase(one.module or "", site.module) for one in symbols)
        return site.inline or bool(symbols) or self._is_renamed(site.pattern)

    def _is_renamed(self, function: str) -> bool:
        return present_name(function, self.kernel.symbols, self.kernel.machine) is not None

    def parameters(self, site: AtFunction | AtEvent | AtSyscall, also: Sequence[Read] = ()) -> Sequence[str]:
        """See `Machine`."""
        if isinstance(site, AtEvent):
            return self._static.parameters(site, tuple(also))
        if isinstance(site, AtSyscall):
            found = [one.name for one in syscall_params(site.name, self.kernel)]
            if not found and not self.kernel.tracing.exists(f"events/syscalls/sys_enter_{site.name}"):
                raise NotFound(f"the parameters of the system call '{site.name}' are not known")
            return found
        types = self.kernel.types(site.module)
        functions = types if isinstance(types, Miss) else types.functions(site.pattern)
        if isinstance(functions, Miss):
            raise NotFound(f"the parameters of '{site.pattern}' are not known: {functions.reason}")
        return [one.name for one in functions[0].proto.params if one.name]

    def shape(self, site: AtFunction | AtEvent | AtSyscall, name: str, path: Sequence[str]) -> Shape | None:
        """See `Machine`."""
        if isinstance(site, AtEvent):
            return self._static.shape(site, name, path)
        if isinstance(site, AtSyscall):
            return None
        types = self.kernel.types(site.module)
        functions = types if isinstance(types, Miss) else types.functions(site.pattern)
        if isinstance(types, Miss) or isinstance(functions, Miss):
            return None
        return shape_of(types, functions[0], name, path)

    def layout(self, type_name: str, module: str | None, path: Sequence[str | int]) -> tuple[int, int]:
        """See `Machine`."""
        return layout_of(self.kernel, type_name, module, path)

    def shape_in(self, type_name: str, module: str | None, path: Sequence[str]) -> Shape | None:
        """See `Machine`."""
        types = self.kernel.types(module)
        if isinstance(types, Miss):
            return None
        function = Function("", FuncProto(find_named(self.kernel, type_name, module), ()))
        return shape_of(types, function, "return", path)

    def variable_shape(self, name: str, module: str | None, path: Sequence[str]) -> Shape | None:
        """See `Machine`."""
        types = self.kernel.types(module)
        found = types if isinstance(types, Miss) else types.variable(name)
        if isinstance(types, Miss) or isinstance(found, Miss):
            return None
        return shape_of(types, Function("", FuncProto(found, ())), "return", path)

    def functions(self, site: AtFunction | AtEvent) -> Sequence[tuple[str, str | None]]:
        """See `Machine`."""
        if isinstance(site, AtEvent):
            return [(name.replace("/", ":"), None) for name in self._static.meant(site)]
        found = [(one.requested, *function_of(one.probe)) for one in self._wanted(site, ())]
        return [(asked or name, module) for asked, name, module in found]

    def syscalls(self) -> Mapping[int, str]:
        """See `Machine`."""
        return syscall_names(self.kernel.machine)

    def variables(self, site: AtFunction | AtEvent | AtSyscall, found: Found) -> list[str]:
        """Return the variables that can be read at an event, as `$name:type`."""
        if isinstance(site, AtEvent):
            form = read_format(self.kernel.tracing, self.events[found.key])
            return [f"${one.name}:{one.ctype}" for one in form.args]
        types = self.kernel.types(found.module)
        functions = types if isinstance(types, Miss) else types.functions(found.function)
        if isinstance(functions, Miss):
            return []
        proto = functions[0].proto
        listed = [f"${one.name}:{declare(one.type)}" for one in proto.params]
        return [f"$return:{declare(proto.returns)}", *listed] if site.at_return else listed

    def event(self, key: int) -> str:
        """Return the `GROUP/NAME` of an event that was found."""
        return self.wanted[key].probe.event if key in self.wanted else self.events[key]

    def _wanted(
        self, site: AtFunction | AtSyscall, reads: tuple[Read, ...], more: tuple[str, ...] = ()
    ) -> list[ProbeSpec]:
        """Return the probes of a site. The answers are cached, because `@defined` asks often.

        Args:
            more: arguments after those of `reads`.
        """
        key = (site, reads, more)
        if key not in self._asked:
            try:
                self._asked[key] = self._ask(site, reads, more)
            except KtraceError as error:
                self._asked[key] = error
        found = self._asked[key]
        if isinstance(found, KtraceError):
            raise found
        return found

    def _ask(
        self, site: AtFunction | AtSyscall, reads: tuple[Read, ...], more: tuple[str, ...]
    ) -> list[ProbeSpec]:
        if isinstance(site, AtSyscall) and is_left_out(site.name, self.kernel):
            raise NotFound(f"this kernel was built without the system call '{site.name}'")
        module = site.module if isinstance(site, AtFunction) else None
        types = [argument_type(read, self.kernel, self.doubts, module) for read in reads]
        found: list[ProbeSpec] = []
        first: KtraceError | None = None
        for place in self._places.of(site):
            try:
                found += self._typed(place, site, reads, types, more)
            except KtraceError as error:
                first = first or error
        if not found:
            raise first or NotFound("nothing of that name")
        return found

    def _typed(
        self,
        place: str,
        site: AtFunction | AtSyscall,
        reads: tuple[Read, ...],
        types: list[str],
        more: tuple[str, ...],
    ) -> list[ProbeSpec]:
        """Return the probes, with arguments that default to text or an array read as numbers instead."""
        made = self._want(place, site, reads, types, more)
        wrong = {
            i
            for one in made
            for i, arg in enumerate(one.probe.args[: len(reads)])
            if reads[i].kind == "number" and arg.type and not _is_one_number(arg.type)
        }
        if wrong:
            types = [":x64" if i in wrong else t for i, t in enumerate(types)]
            made = self._want(place, site, reads, types, more)
        return made

    def _want(
        self,
        place: str,
        site: AtFunction | AtSyscall,
        reads: tuple[Read, ...],
        types: list[str],
        more: tuple[str, ...],
    ) -> list[ProbeSpec]:
        defaults = ProbeOptions(
            self.group,
            at_return=site.at_return,
            maxactive=site.maxactive if site.at_return else 0,
            machine=self.kernel.machine,
            either_arrow=True,
            max_probes=self.max_probes,
            inlined=isinstance(site, AtFunction) and site.inline,
        )
        call = site.name if isinstance(site, AtSyscall) else None
        texts = [read_text(read, call, self.kernel) if call else read.text for read in reads]
        args = [f"f{i}={text}{t}" for i, (text, t) in enumerate(zip(texts, types, strict=True))]
        made = want([place, *args, *more], defaults, self.kernel)
        return meant(site, made) if isinstance(site, AtFunction) else made

    def _own_name(self, one: ProbeSpec) -> ProbeSpec:
        """Give a probe its own event name, because two handlers at one function may read different values."""
        name = one.probe.name[: EVENT_MAX - 5]
        chosen, n = name, 1
        while chosen in self._names:
            n += 1
            chosen = f"{name}_{n}"
        self._names.add(chosen)
        return replace(one, probe=replace(one.probe, name=chosen))

    def _found(self, one: ProbeSpec, site: AtFunction | AtSyscall | None, reads: Sequence[Read]) -> Found:
        self._keys += 1
        self.wanted[self._keys] = one
        return self._found_of(self._keys, site, len(reads))

    def _found_of(self, key: int, site: AtFunction | AtSyscall | None, reads: int) -> Found:
        """Return the event of a probe, with its first arguments, which are those that handlers read."""
        one = self.wanted[key]
        function, module = function_of(one.probe)
        function = one.requested or function
        suffix = ".return" if one.probe.is_return else ""
        head = f'module("{module}")' if module else "kernel"
        point = f'{head}.function("{function}"){suffix}'
        if isinstance(site, AtSyscall):
            point = f"syscall.{site.name}{suffix}"
        types = {arg.name or "": arg.type or "" for arg in one.probe.args}
        columns = tuple(_column(number, types) for number in range(reads))
        kinds = tuple(types.get(column, "") for column in columns)
        return Found(one.probe.name, function, module, point, columns, key, kinds, one.probe.group)

    def _at_event(self, site: AtEvent, reads: Sequence[Read]) -> Sequence[Found]:
        names = self._static.meant(site)
        found: list[Found] = []
        missing: KtraceError | None = None
        for name in names:
            try:
                columns, types = self._static.columns(name, reads)
            except KtraceError as error:
                missing = missing or error
                continue
            self._keys += 1
            self.events[self._keys] = name
            event = name.partition("/")[2]
            point = f'kernel.trace("{name.replace("/", ":")}")'
            system = name.partition("/")[0]
            found.append(Found(event, event, None, point, tuple(columns), self._keys, tuple(types), system))
        if found or missing is None:
            return found
        try:
            return [self._tracepoint(names[0], reads, missing)]
        except KtraceError:
            if isinstance(missing, UsageError):
                raise missing from None  # the field is there, and is text
            raise

    def _tracepoint(self, name: str, reads: Sequence[Read], missing: KtraceError) -> Found:
        """Probe the tracepoint itself, to read the arguments that the kernel passes to it.

        All handlers at a tracepoint share one probe, because some kernels refuse a second one there.
        """
        key, before = self._tracepoints.get(name, (0, ()))
        together = tuple(dict.fromkeys((*before, *reads)))
        one = self._static.on_tracepoint(name, together, missing)
        if key:
            self.wanted[key] = replace(one, probe=replace(one.probe, name=self.wanted[key].probe.name))
            found = self._found_of(key, None, len(together))
        else:
            found = self._found(self._own_name(one), None, together)
        self._tracepoints[name] = (found.key, together)
        at = [together.index(read) for read in reads]
        columns, types = (tuple(every[i] for i in at) for every in (found.columns, found.types))
        return replace(found, columns=columns, types=types, point=f'kernel.trace("{name.replace("/", ":")}")')


def _at_entry(reads: Sequence[Read]) -> bool:
    """Return whether all reads are taken at the function's entry, even for a return probe."""
    return all("$retval" not in read.text for read in reads)


def _column(number: int, names: Collection[str]) -> str:
    """Return the name of a read's column, or how those of all CPUs begin; "" if it is not read."""
    name = f"f{number}"
    if name in names:
        return name
    return name + EACH_CPU if any(one.startswith(name + EACH_CPU) for one in names) else ""


def _is_one_number(type_: str) -> bool:
    word = parse_type(type_)
    return word.is_number and word.count is None
