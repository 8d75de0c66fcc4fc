"""Find the running kernel's BTF and load it into memory."""

import zlib
from dataclasses import replace
from pathlib import Path

from ktrace.host.host import Host
from ktrace.model.miss import Miss
from ktrace.records import dataclass
from ktrace.symbols.btf import Btf
from ktrace.symbols.btf_cache import build_id, load, save, stamp


@dataclass(frozen=True, slots=True)
class BtfPaths:
    """The files that are read and written.

    Attributes:
        host: the machine that has the BTF.
        folder: has one blob for vmlinux and one for each module (Documentation/ABI/testing/sysfs-kernel-btf).
        notes: the kernel's ELF notes.
        cache: folder for tables between runs; None keeps nothing.
    """

    host: Host
    folder: Path = Path("/sys/kernel/btf")
    notes: Path = Path("/sys/kernel/notes")
    cache: Path | None = None


def kernel_types(paths: BtfPaths) -> Btf | Miss:
    """Return the types of the running kernel.

    Raises:
        Damaged: the blob cannot be decoded.
    """
    path = paths.folder / "vmlinux"
    return _open(path, None, paths, _build_id(paths), without="built without CONFIG_DEBUG_INFO_BTF")


def module_types(base: Btf, module: str, paths: BtfPaths) -> Btf | Miss:
    """Return the types of a loaded module, on top of the kernel's.

    Raises:
        Damaged: the blob cannot be decoded.
    """
    # /sys/module and the BTF folder spell a module's name with _, whatever its file is called.
    path = paths.folder / module.replace("-", "_")
    uncached = replace(paths, cache=None)  # decoding so few types is faster than a file
    return _open(path, base, uncached, None, without=f"module '{module}' is not loaded, or has no BTF")


def file_types(path: Path, paths: BtfPaths) -> Btf | Miss:
    """Return the types in a file that holds a bare blob, such as a copy from another machine.

    Raises:
        Damaged: the blob cannot be decoded.
    """
    return _open(path, None, paths, None, without="there is no such file")


def _open(path: Path, base: Btf | None, paths: BtfPaths, key: str | None, *, without: str) -> Btf | Miss:
    try:
        data = paths.host.content(str(path))
    except FileNotFoundError:
        return Miss(str(path), without)
    except OSError as error:
        return Miss(str(path), f"it cannot be read: {error.strerror}")
    if not paths.cache or base:
        return Btf(data, str(path), base)
    if key is None:
        key = f"crc-{zlib.crc32(data):08x}-{len(data)}"
    cached = paths.cache / f"btf-{key}.table"
    mark = stamp(data[:4096], len(data))
    table = load(cached, mark)
    types = Btf(data, str(path), base, table)
    if types.table is not table:
        save(cached, mark, types.table)
    return types


def _build_id(paths: BtfPaths) -> str | None:
    try:
        return build_id(paths.host.read_bytes(str(paths.notes)))
    except OSError:
        return None
