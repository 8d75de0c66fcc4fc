"""Find the running kernel's BTF and load it into memory."""

import mmap
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from ktrace.model.miss import Miss
from ktrace.symbols.btf import Btf
from ktrace.symbols.btf_cache import build_id, load, save, stamp


@dataclass(frozen=True, slots=True)
class BtfPaths:
    """The files that are read and written.

    Attributes:
        folder: has one blob for vmlinux and one for each module (Documentation/ABI/testing/sysfs-kernel-btf).
        notes: the kernel's ELF notes.
        cache: folder for tables between runs; None keeps nothing.
    """

    folder: Path = Path("/sys/kernel/btf")
    notes: Path = Path("/sys/kernel/notes")
    cache: Path | None = None


def kernel_types(paths: BtfPaths) -> Btf | Miss:
    """Return the types of the running kernel.

    Raises:
        Damaged: the blob cannot be decoded.
    """
    path = paths.folder / "vmlinux"
    return _open(path, None, paths, _build_id(paths.notes), without="built without CONFIG_DEBUG_INFO_BTF")


def module_types(base: Btf, module: str, paths: BtfPaths) -> Btf | Miss:
    """Return the types of a loaded module, on top of the kernel's.

    Raises:
        Damaged: the blob cannot be decoded.
    """
    # /sys/module and the BTF folder spell a module's name with _, whatever its file is called.
    path = paths.folder / module.replace("-", "_")
    uncached = BtfPaths(paths.folder, paths.notes)  # decoding so few types is faster than a file
    return _open(path, base, uncached, None, without=f"module '{module}' is not loaded, or has no BTF")


def file_types(path: Path, paths: BtfPaths) -> Btf | Miss:
    """Return the types in a file that holds a bare blob, such as a copy from another machine.

    Raises:
        Damaged: the blob cannot be decoded.
    """
    return _open(path, None, paths, None, without="there is no such file")


def _open(path: Path, base: Btf | None, paths: BtfPaths, key: str | None, *, without: str) -> Btf | Miss:
    try:
        data = _read(path)
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


def _read(path: Path) -> bytes | mmap.mmap:
    """Return the content of a file, mapped if the kernel allows it, which copies nothing.

    sysfs returns 4096 bytes for each read(), and the blob has thousands of such pieces. Kernels since 6.16
    allow mapping.
    """
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size:
            try:
                return mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE)
            except (OSError, ValueError):
                pass
        return file.readall()


def _build_id(notes: Path) -> str | None:
    try:
        return build_id(notes.read_bytes())
    except OSError:
        return None
