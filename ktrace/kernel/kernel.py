"""What is known of the running kernel, each thing read when it is first asked for.

A probe that the kernel takes as it was typed asks for none of it. An expression in C asks for types, a
wildcard for symbols; these files are large, and a command line of several probes reads each once.
"""

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ktrace.symbols.kallsyms import Kallsyms
from ktrace.tracefs.files import Files

if TYPE_CHECKING:
    from ktrace.expr.source import Features
    from ktrace.model.miss import Miss
    from ktrace.symbols.btf import Btf
    from ktrace.symbols.btf_files import BtfPaths
    from ktrace.symbols.dwarf.info import DebugInfo

_FPROBE = "f[:[<group>/][<event>]] <func-name>"
_TRACEPOINT_PROBE = "t[:[<group>/][<event>]] <tracepoint>"


class Kernel:
    """One kernel's abilities, symbols and types. Not shared between threads.

    Args:
        tracing: the tracing directory.
        debug: debugfs, for the blacklist; None where it is not mounted.
        machine: `uname -m`; None for this machine's.
        paths: where BTF is; None for the usual places, with tables kept in the user's cache.
        load_symbols: reads kallsyms.
        modules: the list of loaded modules.
        vmlinux: the file with the kernel's debug info; None looks for it in the usual places.
        force: take `vmlinux` although it is of another build.
    """

    def __init__(
        self,
        tracing: Files,
        debug: Files | None = None,
        *,
        machine: str | None = None,
        paths: "BtfPaths | None" = None,
        load_symbols: Callable[[], Kallsyms] = Kallsyms.load,
        modules: str = "/proc/modules",
        vmlinux: Path | None = None,
        force: bool = False,
    ) -> None:
        self.tracing = tracing
        self.debug = debug
        self.machine = machine or os.uname().machine
        self._paths = paths
        self._load_symbols = load_symbols
        self._modules = modules
        self.vmlinux = vmlinux
        self._force = force
        self._debug_info: dict[str | None, DebugInfo] = {}
        self._types: dict[str | None, Btf | Miss] = {}

    @cached_property
    def features(self) -> "Features":
        """What its probe parser can do, as expressions need to know it."""
        from ktrace.expr.source import Features  # noqa: PLC0415 -- plain arguments need no expressions

        return Features.from_readme(self._readme)

    @property
    def has_fprobes(self) -> bool:
        """Whether it takes `f:` definitions."""
        return _FPROBE in self._readme

    @property
    def has_tracepoint_probes(self) -> bool:
        """Whether it takes `t:` definitions."""
        return _TRACEPOINT_PROBE in self._readme

    @property
    def has_this_cpu_read(self) -> bool:
        """Whether it reads the running processor's copy of a per-CPU variable."""
        return "this_cpu_read(<fetcharg>)" in self._readme

    @property
    def has_hist_triggers(self) -> bool:
        """Whether it can count events by itself."""
        return "hist trigger" in self._readme

    @property
    def has_synthetic_events(self) -> bool:
        """Whether it can make an event of two others, with the time between them."""
        return "trace(<synthetic_event>" in self._readme

    @property
    def has_common_stacktrace(self) -> bool:
        """Whether a stack as a histogram's key is called `common_stacktrace`, not `stacktrace`."""
        return "common_stacktrace" in self._readme

    @cached_property
    def symbols(self) -> Kallsyms:
        """Its symbols; none of them where the file cannot be read."""
        try:
            return self._load_symbols()
        except OSError:
            return Kallsyms(b"")

    def types(self, module: str | None = None) -> "Btf | Miss":
        """Its types, or those of one of its modules with the kernel's below them.

        Raises:
            Damaged: they cannot be decoded.
        """
        if module not in self._types:
            self._types[module] = self._read_types(module)
        return self._types[module]

    def debug_info(self, module: str | None = None) -> "DebugInfo":
        """Its debug info, or that of one of its modules.

        Raises:
            NotFound: there is none; the hint says what to install.
            UsageError: `vmlinux` is of another kernel.
            Damaged: it cannot be decoded.
        """
        if module not in self._debug_info:
            from ktrace.symbols.dwarf.find import (  # noqa: PLC0415 -- as above
                DebugPaths,
                kernel_debug_info,
                module_debug_info,
            )

            paths = DebugPaths.here(os.environ)
            self._debug_info[module] = (
                module_debug_info(paths, module)
                if module
                else kernel_debug_info(paths, self.vmlinux, force=self._force)
            )
        return self._debug_info[module]

    def installed_debug_info(self) -> "DebugInfo":
        """The same without fetching anything from elsewhere: to explain what went wrong.

        Raises:
            As `debug_info`.
        """
        from ktrace.kernel.inlined import installed  # noqa: PLC0415 -- as above

        return self.debug_info() if self.vmlinux else installed()

    @cached_property
    def traceable(self) -> str | None:
        """The text of available_filter_functions; None where the kernel does not say."""
        return _read(self.tracing, "available_filter_functions")

    @cached_property
    def blacklist(self) -> str | None:
        """The text of debugfs kprobes/blacklist; None where it cannot be read."""
        return _read(self.debug, "kprobes/blacklist")

    def is_loaded(self, module: str) -> bool:
        """Whether the module is loaded; True where that cannot be known."""
        try:
            text = Path(self._modules).read_text()
        except OSError:
            return True
        name = module.replace("-", "_")
        return any(line.split(" ", 1)[0] == name for line in text.splitlines())

    @cached_property
    def _readme(self) -> str:
        return _read(self.tracing, "README") or ""

    def _read_types(self, module: str | None) -> "Btf | Miss":
        from ktrace.model.miss import Miss  # noqa: PLC0415 -- as above
        from ktrace.symbols.btf_cache import cache_folder  # noqa: PLC0415
        from ktrace.symbols.btf_files import BtfPaths, kernel_types, module_types  # noqa: PLC0415

        paths = self._paths or BtfPaths(cache=cache_folder(os.environ))
        if module is None:
            return kernel_types(paths)
        base = self.types()
        return base if isinstance(base, Miss) else module_types(base, module, paths)


def _read(files: Files | None, path: str) -> str | None:
    if files is None:
        return None
    try:
        return files.read(path)
    except OSError:
        return None
