"""Keep compiled programs between runs: compiling and its modules take most of a script's start.

The folder `scripts` in the user's cache folder has a file for each script. It holds everything that the
program depends on, and is used only if all of it is the same now:

* the script's name, text, arguments, -G and -D, the tapsets of -I, and the answers to CONFIG_ conditions;
* ktrace's own files, by their sizes and times, and Python;
* the kernel's build, by its ELF notes;
* for a script with kernel probes, also optional ones that were not there, the loaded modules, the kernel's
  list of events and the definitions of dynamic ones; if it probes an address, or reads variables of each
  CPU, the boot.

A program that was made with debug info, or that probes what the table in `kept_values` does not list, is
not kept. A file that is damaged, that differs, or that another user could have written is ignored. So is an
error: it only makes the start slower.
"""

import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from ktrace.errors import KtraceError
from ktrace.host.host import Host
from ktrace.records import dataclass
from ktrace.script.driver.kept_values import CannotKeep, pack, unpack
from ktrace.script.language.facts import Facts
from ktrace.script.language.sites import AtFunction
from ktrace.script.language.source import SourceFile
from ktrace.script.own_task import EACH_CPU
from ktrace.script.passes.runnable import Runnable
from ktrace.storage.cache import cache_folder
from ktrace.storage.private import read_private, write_private
from ktrace.version import __version__

FOLDER = "scripts"
_FORMAT = 1
_NOTES, _MODULES, _BOOT = "/sys/kernel/notes", "/proc/modules", "/proc/sys/kernel/random/boot_id"
# A probe point with a dot, such as vfs.read, but not timer.ms(5). Only such a script asks the kernel.
_IN_KERNEL = re.compile(r"(?<![\w.])(?!timer\b)[A-Za-z_]\w*\s*\.\s*[A-Za-z_*]")
# Names that a run of ktrace makes for itself; no script's probe point matches it.
_OF_A_RUN = re.compile(r"ktrace_\d+_\d+")
_HERE = Path(__file__).parents[2]  # the package

Digest = tuple[int, int, int]
"""Length, CRC-32 and Adler-32 of a text: enough to see that it has changed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A program with its probes.

    Attributes:
        wanted: the probes to define (`ProbeSpec`), by `Found.key`; their group is the empty text.
        events: the static events, as `SYSTEM/NAME`, by `Found.key`.
        moved: the keys of probes that must be compiled again if their function has another name.
    """

    program: Runnable
    wanted: Mapping[int, Any] = field(default_factory=dict)
    events: Mapping[int, str] = field(default_factory=dict)
    moved: frozenset[int] = frozenset()


@dataclass(slots=True)
class ProgramCache:
    """The file of one script.

    Args:
        host: the machine that is traced.
        folder: the folder of all files.
        script: the script and the tapsets, the arguments and settings. The name of the file is made of them.
        machine: the kernel, and ktrace itself.
        events: reads the kernel's list of events, and the definitions of dynamic ones.
        config: answers CONFIG_ conditions.
    """

    host: Host
    folder: Path
    script: tuple[Any, ...]
    machine: tuple[Any, ...]
    events: Callable[[], str]
    config: Callable[[str], str | None]
    _asked: dict[str, str | None] = field(default_factory=dict)
    _before: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Return the name of the file. Another script may have the same; then the later one replaces it."""
        return self.folder / self._name

    @property
    def _name(self) -> str:
        size, *sums = _digest(repr(self.script).encode("utf-8", "surrogateescape"))
        return f"{size:x}-{''.join(f'{one:08x}' for one in sums)}.program"

    def load(self) -> Kept | None:
        """Return the program, if there is one and nothing that it depends on has changed."""
        content = read_private(self.folder, self._name)
        if content is None:
            return None
        try:
            script, machine, needs, program, wanted, events, moved = unpack(content)
            if (script, machine) != (self.script, self.machine) or not self._holds(needs):
                return None
        except (ValueError, TypeError, KtraceError, OSError):
            return None
        return Kept(program, wanted, events, moved)

    def facts(self, facts: Facts) -> Facts:
        """Return facts that note which conditions a script asks for. Call it before compiling."""
        if _IN_KERNEL.search("\n".join((*(text for _, text in self.script[0]), *self.script[1]))):
            self._before = {name: self._now(name) for name in ("modules", "events")}

        def config(name: str) -> str | None:
            self._asked[name] = self.config(name)
            return self._asked[name]

        return replace(facts, config=config)

    def save(self, kept: Kept, *, asked: bool) -> None:
        """Write the program, unless it may depend on something that is not checked.

        Args:
            asked: whether the kernel was asked for anything, such as the size of a type.
        """
        sites = [one.site for one in kept.program.bound]
        needs = {"config": tuple(self._asked.items()), **self._before}
        columns = (
            name
            for one in kept.program.bound
            for found in (*one.found, *one.entries)
            for name in found.columns
        )
        at_addresses = any(isinstance(site, AtFunction) and site.absolute is not None for site in sites)
        if at_addresses or any(name.endswith(EACH_CPU) for name in columns):
            needs["boot"] = self._now("boot")
        if asked and needs.get("events") is None:
            return
        # The program was compiled from files that must still be the same.
        if not self._holds(needs):
            return
        try:
            content = pack(
                (self.script, self.machine, needs, kept.program, kept.wanted, kept.events, kept.moved)
            )
        except CannotKeep:
            return
        write_private(self.folder, self._name, content)

    def _holds(self, needs: Mapping[str, Any]) -> bool:
        asked = all(self.config(name) == value for name, value in needs["config"])
        return asked and all(self._now(name) == value for name, value in needs.items() if name != "config")

    def _now(self, name: str) -> object:
        """Return what a program may depend on, as it is now; None if it cannot be read."""
        try:
            if name == "modules":
                # Without their numbers of users, which change.
                words = (line.split() for line in self.host.read(_MODULES).splitlines())
                return _digest("\n".join(" ".join((*one[:2], *one[-1:])) for one in words).encode())
            if name == "events":
                lines = (line for line in self.events().splitlines() if not _OF_A_RUN.search(line))
                return _digest("\n".join(lines).encode("utf-8", "surrogateescape"))
            return self.host.read(_BOOT)
        except (KtraceError, OSError):
            return None


# many parameters: each is a part of what a program depends on.
def program_cache(
    host: Host,
    sources: Sequence[SourceFile],
    facts: Facts,
    settings: Mapping[str, str],
    limits: tuple[str, ...],
    *,
    events: Callable[[], str],
) -> ProgramCache | None:
    """Return the cache of a script; None if the user has no cache folder or the kernel is unknown.

    Args:
        sources: the script, and the files of the user's tapsets.
    """
    folder = cache_folder(os.environ)
    try:
        notes = host.read_bytes(_NOTES)
    except OSError:
        return None
    if folder is None or not notes:
        return None
    uname = host.uname()
    texts = tuple((one.name, one.text) for one in sources)
    script = (texts, tuple(facts.arguments), tuple(settings.items()), limits)
    kernel = (notes, uname.release, uname.version, uname.machine, facts.kernel_vr, facts.arch)
    machine = (_FORMAT, __version__, sys.version, _own_files(), *kernel)
    return ProgramCache(host, folder / FOLDER, script, machine, events, facts.config)


def _own_files() -> Digest:
    """Return a digest of the names, sizes and times of ktrace's own files."""
    return _digest("\n".join(sorted(_stamps(str(_HERE)))).encode("utf-8", "surrogateescape"))


def _stamps(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _stamps(entry.path)
            else:
                status = entry.stat()
                yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"


def _digest(data: bytes) -> Digest:
    return len(data), zlib.crc32(data), zlib.adler32(data)
