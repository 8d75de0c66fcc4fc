"""The running kernel's features, symbols and types, each read when first needed.

A probe in the kernel's own syntax needs none of them. An expression in C needs types, and a wildcard needs
symbols. These files are large, so each is read only once for all probes of a command line.
"""

import os
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ktrace.model.features import Features
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.tracefs.files import Files

if TYPE_CHECKING:
    from ktrace.model.miss import Miss
    from ktrace.symbols.btf import Btf
    from ktrace.symbols.btf_files import BtfPaths
    from ktrace.symbols.dwarf.info import DebugInfo


class Kernel:
    """One kernel's abilities, symbols and types. Not shared between threads.

    Args:
        tracing: the tracing directory.
        debug: debugfs, for the blacklist; None if it is not mounted.
        machine: `uname -m`; None asks the machine that `tracing` is on.
        paths: where BTF is; None for the usual places, with tables kept in the user's cache.
        load_symbols: reads kallsyms; None reads the machine's.
        modules: the list of loaded modules.
        vmlinux: the file with the kernel's debug info; None looks for it in the usual places.
        force: take `vmlinux` although it is of another build.

    Attributes:
        asked_debug_info: whether debug info was looked for, so that an answer may depend on it.
    """

    # many parameters: each is a file or a choice that tests and options replace; all have defaults.
    def __init__(
        self,
        tracing: Files,
        debug: Files | None = None,
        *,
        machine: str | None = None,
        paths: "BtfPaths | None" = None,
        load_symbols: Callable[[], Kallsyms] | None = None,
        modules: str = "/proc/modules",
        vmlinux: Path | None = None,
        force: bool = False,
    ) -> None:
        self.tracing = tracing
        self.debug = debug
        self.host = tracing.host
        self.machine = machine or self.host.uname().machine
        self._paths = paths
        self._load_symbols = load_symbols or partial(Kallsyms.load, self.host)
        self._modules = modules
        self.vmlinux = vmlinux
        self._force = force
        self.asked_debug_info = False
        self._debug_info: dict[str | None, DebugInfo] = {}
        self._types: dict[str | None, Btf | Miss] = {}

    @cached_property
    def features(self) -> Features:
        """Return its features; without those that README shows, if it cannot be read."""
        return Features.find(_read(self.tracing, "README") or "", self._has)

    def _has(self, path: str) -> bool:
        """Return whether tracing has a file; one in a directory that cannot be entered counts as missing."""
        try:
            return self.tracing.exists(path)
        except OSError:
            return False

    @cached_property
    def symbols(self) -> Kallsyms:
        """Return its symbols; an empty table if the file cannot be read."""
        try:
            return self._load_symbols()
        except OSError:
            return Kallsyms(b"")

    def types(self, module: str | None = None) -> "Btf | Miss":
        """Return its types, or those of a module together with the kernel's.

        Raises:
            Damaged: they cannot be decoded.
        """
        if module not in self._types:
            self._types[module] = self._read_types(module)
        return self._types[module]

    def debug_info(self, module: str | None = None) -> "DebugInfo":
        """Return its debug info, or that of one of its modules.

        Raises:
            NotFound: there is none; the hint says what to install.
            UsageError: `vmlinux` belongs to another kernel.
            Damaged: it cannot be decoded.
        """
        self.asked_debug_info = True
        if module not in self._debug_info:
            from ktrace.symbols.dwarf.find import (  # noqa: PLC0415 -- as above
                DebugPaths,
                kernel_debug_info,
                module_debug_info,
            )

            paths = DebugPaths.of(self.host, os.environ)
            self._debug_info[module] = (
                module_debug_info(paths, module)
                if module
                else kernel_debug_info(paths, self.vmlinux, force=self._force)
            )
        return self._debug_info[module]

    def installed_debug_info(self) -> "DebugInfo":
        """Return installed debug info without downloading any, to explain errors.

        Raises:
            As `debug_info`.
        """
        from ktrace.kernel.inlined import installed  # noqa: PLC0415 -- as above

        self.asked_debug_info = True
        return self.debug_info() if self.vmlinux else installed(self.host)

    @cached_property
    def traceable(self) -> str | None:
        """Return the text of available_filter_functions; None if it cannot be read."""
        return _read(self.tracing, "available_filter_functions")

    @cached_property
    def blacklist(self) -> str | None:
        """Return the text of debugfs kprobes/blacklist; None if it cannot be read."""
        return _read(self.debug, "kprobes/blacklist")

    def is_loaded(self, module: str) -> bool:
        """Return whether the module is loaded; True where that cannot be known."""
        try:
            text = self.host.read(self._modules)
        except OSError:
            return True
        name = module.replace("-", "_")
        return any(line.split(" ", 1)[0] == name for line in text.splitlines())

    def _read_types(self, module: str | None) -> "Btf | Miss":
        from ktrace.model.miss import Miss  # noqa: PLC0415 -- as above
        from ktrace.storage.cache import cache_folder  # noqa: PLC0415
        from ktrace.symbols.btf_files import BtfPaths, kernel_types, module_types  # noqa: PLC0415

        paths = self._paths or BtfPaths(self.host, cache=cache_folder(os.environ))
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
