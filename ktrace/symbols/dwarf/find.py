"""Find the debug info of the running kernel or one of its modules.

Build-ids decide: in a file from another build, the addresses differ, and every probe would be wrong. The
folders searched are those of gdb ("Debugging Information in Separate Files") and of the distributions.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ktrace.errors import Damaged, NotFound, UsageError
from ktrace.host.host import Host
from ktrace.model.miss import Miss
from ktrace.storage.cache import cache_folder
from ktrace.symbols.btf_cache import build_id
from ktrace.symbols.dwarf import debuginfod, install
from ktrace.symbols.dwarf.info import DebugInfo
from ktrace.symbols.elf import Elf


@dataclass(frozen=True, slots=True)
class DebugPaths:
    """The files and folders to search.

    Attributes:
        host: the machine that is traced, which has them all, except the cache.
        root: folder that contains /usr/lib/debug, /lib/modules and /boot.
        notes: the running kernel's ELF notes.
        modules: /sys/module, with the notes of each loaded module.
        release: `uname -r`.
        cache: folder for files kept between runs; None keeps nothing.
        urls: debuginfod servers.
        os_release: the distribution's os-release file.
        watch: is told how far a download has come.
    """

    host: Host
    release: str
    root: Path = Path("/")
    notes: Path = Path("/sys/kernel/notes")
    modules: Path = Path("/sys/module")
    cache: Path | None = None
    urls: tuple[str, ...] = ()
    os_release: Path = install.OS_RELEASE
    watch: debuginfod.Watch = lambda _done, _size: None

    @classmethod
    def of(cls, host: Host, environ: Mapping[str, str]) -> "DebugPaths":
        """Return the paths of a machine and this user."""
        return cls(host, host.uname().release, cache=cache_folder(environ), urls=debuginfod.servers(environ))


def kernel_debug_info(paths: DebugPaths, vmlinux: Path | None = None, *, force: bool = False) -> DebugInfo:
    """Return the debug info of the running kernel.

    Args:
        vmlinux: a file to use instead of searching.
        force: use it even if it belongs to another kernel.

    Raises:
        NotFound: there is none; the message has the reason for each place, the hint says what to install.
        Damaged: a file that matches cannot be decoded.
        UsageError: `vmlinux` belongs to another kernel.
    """
    wanted = _notes(paths.host, paths.notes)
    if vmlinux is not None:
        return _given(vmlinux, wanted, paths, force=force)
    found = _search(_kernel_places(paths, wanted), wanted, paths)
    return found if isinstance(found, DebugInfo) else _fail("kernel", found, paths)


def module_debug_info(paths: DebugPaths, module: str) -> DebugInfo:
    """Return the debug info of a loaded module.

    Raises:
        NotFound, Damaged: as `kernel_debug_info`.
    """
    name = module.replace("-", "_")
    wanted = _notes(paths.host, paths.modules / name / "notes" / ".note.gnu.build-id")
    found = _search(_module_places(paths, name, wanted), wanted, paths, name)
    return found if isinstance(found, DebugInfo) else _fail(f"module {module}", found, paths)


def _kernel_places(paths: DebugPaths, wanted: str | None) -> Iterator[Path]:
    debug, release = paths.root / "usr/lib/debug", paths.release
    yield from _by_build_id(debug, wanted)
    yield debug / "boot" / f"vmlinux-{release}"
    yield debug / "boot" / f"vmlinux-{release}.debug"
    yield debug / "lib/modules" / release / "vmlinux"
    yield debug / "lib/modules" / release / "vmlinux.debug"
    yield debug / "usr/lib/modules" / release / "vmlinux.debug"
    yield paths.root / "lib/modules" / release / "build/vmlinux"
    yield paths.root / "lib/modules" / release / "vmlinux"
    yield paths.root / "boot" / f"vmlinux-{release}"


def _module_places(paths: DebugPaths, name: str, wanted: str | None) -> Iterator[Path]:
    debug, release = paths.root / "usr/lib/debug", paths.release
    yield from _by_build_id(debug, wanted)
    relative = _module_file(paths, name)
    if relative is not None:
        for folder in (debug / "lib/modules", debug / "usr/lib/modules"):
            yield folder / release / relative
            yield folder / release / f"{relative}.debug"
        yield paths.root / "lib/modules" / release / relative


def _by_build_id(debug: Path, wanted: str | None) -> Iterator[Path]:
    if wanted:
        yield debug / ".build-id" / wanted[:2] / f"{wanted[2:]}.debug"


def _module_file(paths: DebugPaths, name: str) -> Path | None:
    """Return the module's file below /lib/modules/RELEASE, without the suffix of a compressed file."""
    try:
        text = paths.host.read(str(paths.root / "lib/modules" / paths.release / "modules.dep"))
    except OSError:
        return None
    for line in text.splitlines():
        path = Path(line.partition(":")[0])
        stem, dot, _ = path.name.partition(".ko")
        if dot and stem.replace("-", "_") == name:
            return path.with_name(f"{stem}.ko")
    return None


def _search(
    places: Iterator[Path], wanted: str | None, paths: DebugPaths, module: str | None = None
) -> DebugInfo | list[Miss]:
    misses = []
    for path in dict.fromkeys(places):
        load = partial(Elf.of_host, paths.host, path)
        found = _check(load, path, wanted, paths, module)
        if isinstance(found, DebugInfo):
            return found
        misses.append(found)
    if wanted is None:
        misses.append(Miss("debuginfod", "the build-id is not known"))
        return misses
    fetched = debuginfod.fetch(wanted, paths.urls, paths.cache, watch=paths.watch)
    if isinstance(fetched, Miss):
        misses.append(fetched)
        return misses
    found = _check(lambda: Elf.open(fetched), fetched, wanted, paths, module)
    return found if isinstance(found, DebugInfo) else [*misses, found]


def _check(
    load: Callable[[], Elf], path: Path, wanted: str | None, paths: DebugPaths, module: str | None
) -> DebugInfo | Miss:
    try:
        elf = load()
    except FileNotFoundError:
        return Miss(str(path), "there is no such file")
    except OSError as error:
        return Miss(str(path), f"it cannot be read: {error.strerror}")
    except Damaged as error:
        # A boot image in the place of a vmlinux must not stop the search.
        return Miss(str(path), error.message.partition(": ")[2] or error.message)
    if wanted is not None and elf.build_id() != wanted:
        return Miss(str(path), f"it is of another build ({elf.build_id() or 'without build-id'})")
    if not elf.has(".debug_info"):
        return Miss(str(path), "it has no debug info")
    return DebugInfo(elf, paths.cache, module)


def _given(path: Path, wanted: str | None, paths: DebugPaths, *, force: bool) -> DebugInfo:
    try:
        elf = Elf.open(path)
    except OSError as error:
        raise NotFound(f"{path}: {error.strerror}") from None
    own = elf.build_id()
    if own != wanted and not force:
        running = wanted or "not known"
        raise UsageError(
            f"{path} is of another kernel: its build-id is {own or 'missing'}, "
            f"that of the running kernel is {running}",
            hint="addresses differ between builds; --force uses it anyway",
        )
    if not elf.has(".debug_info"):
        raise NotFound(
            f"{path} has no debug info", hint=install.hint(paths.host, paths.release, paths.os_release)
        )
    return DebugInfo(elf, paths.cache)


def _notes(host: Host, path: Path) -> str | None:
    try:
        return build_id(host.read_bytes(str(path)))
    except OSError:
        return None


def _fail(what: str, misses: list[Miss], paths: DebugPaths) -> DebugInfo:
    looked = "\n".join(f"{miss.source}: {miss.reason}" for miss in misses)
    message = f"no debug info of the running {what} ({paths.release}) was found\n{looked}"
    raise NotFound(message, hint=_hint(paths))


def _hint(paths: DebugPaths) -> str:
    return install.hint(paths.host, paths.release, paths.os_release)
