"""Compile a script, or take the program that an earlier run compiled."""

from collections.abc import Callable, Sequence
from dataclasses import field, fields, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol

from ktrace.errors import NotFound
from ktrace.records import dataclass
from ktrace.script.driver.program_cache import Kept, ProgramCache, program_cache
from ktrace.script.kernel_interface import Found
from ktrace.script.passes.runnable import Runnable

if TYPE_CHECKING:
    from ktrace.kernel.kernel import Kernel
    from ktrace.model.probe import Probe
    from ktrace.resolve.spec import ProbeSpec
    from ktrace.script.driver.kernel_symbols import KernelSymbols
    from ktrace.script.driver.live_kernel import ScriptKernel
    from ktrace.script.driver.options import Options
    from ktrace.script.kernel_interface import Machine
    from ktrace.script.language.facts import Facts
    from ktrace.script.language.limits import Limits
    from ktrace.script.language.source import SourceFile
    from ktrace.script.passes.compiler import Compiler


# The options that are in the key of the cache, and those that change nothing in a program.
_CHECKED = (
    *("host", "facts", "settings", "limits", "tapsets"),
    *("command", "target", "duration_s", "output", "pushdown", "allow_system", "buffer_kb", "verbose"),
    "warnings",
)


class Probed(Protocol):
    """The events of a compiled script. `ScriptKernel` is one, and has found them."""

    kernel: "Kernel"
    group: str
    names: "KernelSymbols"
    wanted: "dict[int, ProbeSpec]"
    events: dict[int, str]

    def event(self, key: int) -> str:
        """Return the `GROUP/NAME` of an event."""


@dataclass(slots=True)
class KeptEvents:
    """The events of a program that was kept. See `ScriptKernel`."""

    kernel: "Kernel"
    group: str
    names: "KernelSymbols"
    wanted: "dict[int, ProbeSpec]"
    events: dict[int, str]

    def event(self, key: int) -> str:
        """Return the `GROUP/NAME` of an event."""
        return self.wanted[key].probe.event if key in self.wanted else self.events[key]


class Opened(Protocol):
    """A kernel that is opened when it is needed."""

    @property
    def is_open(self) -> bool:
        """Return whether the script has asked for it."""

    @property
    def doubts(self) -> "Sequence[str]":
        """Return what could not be found out about the places of probe points."""

    @property
    def symbols(self) -> "KernelSymbols":
        """Return the kernel's symbols by address."""

    @property
    def real(self) -> "ScriptKernel":
        """Return the kernel. Raises Unavailable if tracing is not possible."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Tells whether the compiler has asked the kernel for anything, and for its debug info."""

    kernel: bool = False
    debug_info: bool = False


@dataclass
class Prepared:
    """A script that is ready to run.

    Attributes:
        program: the script.
        kept: what an earlier run has kept; None if the script was compiled now.
    """

    program: Runnable
    _kernel: Opened
    _options: "Options"
    _compile: Callable[[], Runnable]
    kept: Kept | None = None
    _cache: ProgramCache | None = field(default=None, repr=False)
    _asked: Asked = Asked()

    @cached_property
    def probed(self) -> Probed:
        """Return the script's events. Raises Unavailable if tracing is not possible."""
        if self.kept is None:
            return self._kernel.real
        kernel, group = open_kernel(self._options)
        wanted = {key: self._own(key, spec, group) for key, spec in self.kept.wanted.items()}
        return KeptEvents(kernel, group, self._kernel.symbols, wanted, dict(self.kept.events))

    def keep(self) -> None:
        """Keep the program for the next run, if it was compiled now and depends on nothing unknown."""
        # Doubts of the kernel about the script are told in each run, so each run has to ask it.
        if self._cache is None or self.kept is not None or self._kernel.doubts or self._asked.debug_info:
            return
        keys = {f.key for b in self.program.bound for f in (*b.entries, *b.found)}
        code = compile(self.program.emitted.text, "<script>", "exec")
        made = Kept(replace(self.program, code=code))
        if keys:
            real = self._kernel.real
            made = Kept(_in_group(made.program, real.group, ""))
            wanted = {key: spec for key, spec in real.wanted.items() if key in keys}
            bare = {
                key: replace(spec, names={}, relocate=None, probe=replace(spec.probe, group=""))
                for key, spec in wanted.items()
            }
            events = {key: name for key, name in real.events.items() if key in keys}
            moved = frozenset(key for key, spec in wanted.items() if spec.relocate)
            made = Kept(made.program, bare, events, moved)
        self._cache.save(made, asked=self._asked.kernel)

    def _own(self, key: int, spec: "ProbeSpec", group: str) -> "ProbeSpec":
        """Return a kept probe in the group of this run."""
        assert self.kept is not None
        again = self._again if key in self.kept.moved else None
        return replace(spec, relocate=again, probe=replace(spec.probe, group=group))

    def _again(self, probe: "Probe", symbol: str) -> "Probe":
        """Rebuild a kept probe for its function's present name. That takes what only compiling finds."""
        if not self._kernel.real.wanted:
            self._compile()
        specs = self._kernel.real.wanted.values()
        again = next((one.relocate for one in specs if one.probe.event == probe.event and one.relocate), None)
        if again is None:
            raise NotFound(f"{probe.event}: this kernel has changed since the script was compiled")
        return again(probe, symbol)


def open_kernel(options: "Options") -> "tuple[Kernel, str]":
    """Return the running kernel, and the group of this run's probes.

    Raises:
        Unavailable: tracing is not possible.
    """
    from ktrace.kernel.kernel import Kernel
    from ktrace.tracefs.instances import Owner
    from ktrace.tracefs.mount import find_debug, find_tracing

    host = options.host
    kernel = Kernel(find_tracing(host), find_debug(host), vmlinux=options.vmlinux)
    return kernel, Owner.of_this_process(host).name


def prepared(
    source: "SourceFile", options: "Options", limits: "Limits", kernel: Opened, machine: "Machine"
) -> Prepared:
    """Return a script that is ready to run: kept by an earlier run, or compiled now.

    Args:
        kernel: opens the running kernel.
        machine: the kernel that the script asks about: the running one or a recording.

    Raises:
        KtraceError: a mistake in the script, or something that the kernel does not have.
    """
    facts = options.facts
    tapsets = _tapsets(options)
    cache = None
    if options.cache and _is_checked(options):
        events = partial(_events, options)
        cache = program_cache(
            options.host, [source, *tapsets], facts, options.settings, options.limits, events=events
        )

    def compiled() -> Runnable:
        return compiler(options, machine, limits, facts, tapsets).run([source]).runnable()

    if cache is not None:
        kept = cache.load()
        if kept is not None:
            made = Prepared(kept.program, kernel, options, compiled, kept)
            if kept.wanted:
                made.program = _in_group(kept.program, "", made.probed.group)
            return made
        facts = cache.facts(facts)
    program = compiled()
    asked = Asked(kernel.is_open, kernel.is_open and kernel.real.kernel.asked_debug_info)
    return Prepared(program, kernel, options, compiled, None, cache, asked)


def _in_group(program: Runnable, old: str, new: str) -> Runnable:
    """Return a program whose probes are in another group: that of the run that will define them."""

    def moved(events: tuple[Found, ...]) -> tuple[Found, ...]:
        return tuple(replace(one, system=new) if one.system == old else one for one in events)

    bound = (replace(one, found=moved(one.found), entries=moved(one.entries)) for one in program.bound)
    return replace(program, bound=tuple(bound))


def _is_checked(options: "Options") -> bool:
    """Return whether all that the options add to a program is in the key of the cache, or changes nothing."""
    return all(
        getattr(options, one.name) == one.default for one in fields(options) if one.name not in _CHECKED
    )


def compiler(
    options: "Options",
    machine: "Machine",
    limits: "Limits",
    facts: "Facts | None" = None,
    tapsets: "Sequence[SourceFile] | None" = None,
) -> "Compiler":
    """Return the compiler of a script.

    Args:
        facts: those of the options if None.
        tapsets: the user's tapsets; they are read if None.
    """
    from ktrace.script.passes.compiler import Compiler

    tapsets = _tapsets(options) if tapsets is None else tapsets
    return Compiler(facts or options.facts, machine, options.settings, limits, tapsets)


def _tapsets(options: "Options") -> "Sequence[SourceFile]":
    """Return the files of the user's tapsets. Raises NotFound if one cannot be read."""
    if not options.tapsets:
        return ()
    from ktrace.script.tapset.directories import read_directories

    return read_directories(options.tapsets)


def _events(options: "Options") -> str:
    """Return the kernel's events, and the definitions of dynamic ones."""
    from ktrace.tracefs.mount import find_tracing

    tracing = find_tracing(options.host)
    texts = [tracing.read("available_events")]
    for name in ("dynamic_events", "kprobe_events", "uprobe_events", "synthetic_events"):
        if tracing.exists(name):
            texts.append(tracing.read(name))
    return "\n".join(texts)
