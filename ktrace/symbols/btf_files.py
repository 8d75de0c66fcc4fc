"""Where the running kernel keeps its BTF, and how it gets from there into memory."""

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
        folder: with a blob for vmlinux and one for each module (Documentation/ABI/testing/sysfs-kernel-btf).
        notes: the kernel's ELF notes.
        cache: folder for tables between runs; None keeps nothing.
    """

    folder: Path = Path("/sys/kernel/btf")
    notes: Path = Path("/sys/kernel/notes")
    cache: Path | None = None


def kernel_types(paths: BtfPaths) -> Btf | Miss:
    """The types of the running kernel.

    Raises:
        Damaged: the blob cannot be decoded.
    """
    path = paths.folder / "vmlinux"
    return _open(path, None, paths, _build_id(paths.notes), without="built without CONFIG_DEBUG_INFO_BTF")


def module_types(base: Btf, module: str, paths: BtfPaths) -> Btf | Miss:
    """The types of a loaded module, with those of the kernel below them.

    Raises:
        Damaged: the blob cannot be decoded.
    """
    # /sys/module and the BTF folder spell a module's name with _ whatever its file is called.
    path = paths.folder / module.replace("-", "_")
    uncached = BtfPaths(paths.folder, paths.notes)  # a few hundred types: faster than a file
    return _open(path, base, uncached, None, without=f"module '{module}' is not loaded, or has no BTF")


def file_types(path: Path, paths: BtfPaths) -> Btf | Miss:
    """The types in a file that holds a bare blob, such as a copy of another machine's.

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
    """The file's content; mapped where the kernel lets us, which copies nothing.

    sysfs gives 4096 bytes a read() and the blob has thousands of them. Kernels since 6.16 let it
    be mapped.
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
