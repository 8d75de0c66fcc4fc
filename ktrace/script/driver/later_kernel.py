"""The kernel of a script, opened when the script first asks for it."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from ktrace.errors import NotFound
from ktrace.script.kernel_interface import Found, Read, Shape
from ktrace.script.language.sites import AtEvent, AtFunction, AtSyscall, Site

if TYPE_CHECKING:
    from ktrace.diagnostic import Notify
    from ktrace.script.driver.kernel_symbols import KernelSymbols
    from ktrace.script.driver.live_kernel import ScriptKernel
    from ktrace.script.driver.options import Options
    from ktrace.script.language.definitions import Point
    from ktrace.stream.symbol_table import SymbolTable
    from ktrace.symbols.dwarf.info import DebugInfo


class LaterKernel:
    """The kernel as a `Machine`, opened when a script first asks for it. Many scripts never do."""

    def __init__(self, options: "Options", note: "Notify") -> None:
        self._options = options
        self._note = note
        self._real: ScriptKernel | None = None

    @property
    def real(self) -> "ScriptKernel":
        """Return the kernel. Raises Unavailable if tracing is not possible."""
        if self._real is None:
            from ktrace.script.driver.live_kernel import ScriptKernel
            from ktrace.script.driver.prepared import open_kernel

            opened = open_kernel(self._options)
            self._real = ScriptKernel(*opened, self.symbols, self._options.max_probes)
        return self._real

    @property
    def is_open(self) -> bool:
        """Return whether the script has asked for it."""
        return self._real is not None

    @cached_property
    def symbols(self) -> "KernelSymbols":
        """Return the kernel's symbols by address."""
        from ktrace.script.driver.kernel_symbols import KernelSymbols

        return KernelSymbols(self._load_symbols, self._debug_info, self._note)

    def _load_symbols(self) -> "SymbolTable":
        from ktrace.session.page_decoder import kernel_symbols

        return kernel_symbols(self._options.host)

    def _debug_info(self) -> "DebugInfo":
        return self.real.kernel.installed_debug_info()

    @property
    def doubts(self) -> Sequence[str]:
        """Return what could not be found out about the places of probe points."""
        return [] if self._real is None else list(self._real.doubts)

    def check(self, points: "Iterable[tuple[Point, Site]]") -> None:
        """Look up places that are otherwise only looked up after the kernel has refused them.

        Raises:
            NotFound: there is no such place; the message has the probe point.
        """
        from ktrace.script.passes.hook import asking

        for point, site in points:
            if not isinstance(site, AtFunction | AtEvent | AtSyscall):
                continue
            if not asking(point, partial(self._if_there, site)):
                reason = "this kernel has no such place to probe"
                raise NotFound(f"{point.at}: {point}: {reason}", hint=self._near(site))

    def _if_there(self, site: AtFunction | AtEvent | AtSyscall) -> Sequence[bool]:
        return [True] if self.exists(site) else []

    def _near(self, site: AtFunction | AtEvent | AtSyscall) -> str | None:
        near = self.real.kernel.symbols.miss(site.pattern).near if isinstance(site, AtFunction) else ()
        return "close to it: " + ", ".join(near) if near else None

    def find(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> Sequence[Found]:
        """See `Machine`."""
        return self.real.find(site, reads)

    def readable(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> bool:
        """See `Machine`."""
        return self.real.readable(site, reads)

    def exists(self, site: AtFunction | AtEvent | AtSyscall) -> bool:
        """See `Machine`."""
        return self.real.exists(site)

    def parameters(self, site: AtFunction | AtEvent | AtSyscall, also: Sequence[Read] = ()) -> Sequence[str]:
        """See `Machine`."""
        return self.real.parameters(site, also)

    def shape(self, site: AtFunction | AtEvent | AtSyscall, name: str, path: Sequence[str]) -> Shape | None:
        """See `Machine`."""
        return self.real.shape(site, name, path)

    def layout(self, type_name: str, module: str | None, path: Sequence[str | int]) -> tuple[int, int]:
        """See `Machine`."""
        return self.real.layout(type_name, module, path)

    def shape_in(self, type_name: str, module: str | None, path: Sequence[str]) -> Shape | None:
        """See `Machine`."""
        return self.real.shape_in(type_name, module, path)

    def variable_shape(self, name: str, module: str | None, path: Sequence[str]) -> Shape | None:
        """See `Machine`."""
        return self.real.variable_shape(name, module, path)

    def functions(self, site: AtFunction | AtEvent) -> Sequence[tuple[str, str | None]]:
        """See `Machine`."""
        return self.real.functions(site)

    def syscalls(self) -> Mapping[int, str]:
        """See `Machine`."""
        from ktrace.symbols.syscall_numbers import SyscallNames

        return SyscallNames(self._options.host.uname().machine)
