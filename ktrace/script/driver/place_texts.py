"""Spell the places of a script's probe points as `ktrace add` takes them."""

import fnmatch
from collections.abc import MutableMapping

from ktrace.errors import NotFound
from ktrace.host.host import Host
from ktrace.kernel.kernel import Kernel
from ktrace.model.miss import Miss
from ktrace.records import dataclass
from ktrace.resolve.resolve import want
from ktrace.resolve.spec import ProbeOptions
from ktrace.script.driver.meant_probes import function_of
from ktrace.script.driver.statement_places import statement_places
from ktrace.script.language.points import AtFunction, AtSyscall


@dataclass(slots=True)
class PlaceTexts:
    """Spells places in one kernel.

    Args:
        group: the group of the probes.
        doubts: takes what could not be found out about the places.
    """

    kernel: Kernel
    group: str
    doubts: MutableMapping[str, None]

    def of(self, site: AtFunction | AtSyscall) -> list[str]:
        """Return the place as `ktrace add` spells it; several places if the module is a pattern."""
        if isinstance(site, AtSyscall):
            return [f"sys_{site.name}"]
        if site.absolute is not None:
            return [hex(site.absolute & (1 << 64) - 1)]
        names = [site.pattern]
        if site.place is not None and site.lines and site.statement:
            names = statement_places(site, site.place, self.kernel.debug_info(site.module))
        elif site.place is not None and site.lines and _is_pattern(site.pattern):
            return self._holding(f"{site.place}:{site.lines}", site)
        elif site.place is not None:
            of_file = not _is_pattern(site.pattern) and self._is_of_file(site.pattern, site.place)
            if not of_file and not site.lines:
                names = [f":{site.place}"]
        if site.module is None:
            return names
        modules = _modules(self.kernel.host) if _is_pattern(site.module) else [site.module]
        chosen = [module for module in modules if fnmatch.fnmatchcase(module, site.module)]
        return [f"{module}:{name}" for module in chosen for name in names]

    def _is_of_file(self, function: str, place: str) -> bool:
        """Return whether all functions of this name are from a file. Without debug info, that is not known.

        Raises:
            NotFound: none of them is.
        """
        try:
            kernel = self.kernel
            info = kernel.debug_info() if kernel.vmlinux else kernel.installed_debug_info()
            found = info.lines_of(function)
        except NotFound:
            found = Miss("debug info", "there is none")
        if isinstance(found, Miss):
            told = f"whether '{function}' is in {place} is not known: there is no debug info of it"
            self.doubts[told] = None
            return True
        files = {one.file for one in found}
        own = {file for file in files if f"/{file}".endswith(f"/{place}")}
        if not own:
            raise NotFound(f"'{function}' is not in {place}", hint=f"it is in {', '.join(sorted(files))}")
        return own == files

    def _holding(self, line: str, site: AtFunction) -> list[str]:
        """Return the functions that contain a source line. Probes are placed at their entry."""
        place = f"{site.module}:{line}" if site.module else line
        found = want([place], ProbeOptions(self.group, machine=self.kernel.machine), self.kernel)
        names = dict.fromkeys(function_of(one.probe)[0] for one in found)
        matching = [name for name in names if fnmatch.fnmatchcase(name, site.pattern)]
        if not matching:
            raise NotFound(f"{line} is in {', '.join(names)}, which does not match '{site.pattern}'")
        return [f"{site.module}:{name}" if site.module else name for name in matching]


def _is_pattern(name: str) -> bool:
    return any(ch in name for ch in "*?[")


def _modules(host: Host) -> list[str]:
    try:
        return [line.split()[0] for line in host.read("/proc/modules").splitlines()]
    except OSError:
        return []
