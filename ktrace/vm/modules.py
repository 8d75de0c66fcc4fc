"""Read a kernel's modules: those that must be loaded before its root appears, uncompressed.

The `.modinfo` section of a module names its dependencies. modules.dep has the same information, but it is
made only when a kernel package is installed, and ktrace unpacks packages without installing them.
"""

import gzip
import lzma
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ktrace.errors import VmError

# The modules that the guest needs for its disks and ports, by their file names.
WANTED = ("virtio_pci", "virtio_console", "virtiofs")

_MODULE_NAME = re.compile(r"(?P<stem>.+)\.ko(?P<packed>\.(xz|gz|zst))?$")
_DEPENDS = re.compile(rb"(?:^|\0)depends=([^\0]*)\0")


@dataclass(frozen=True, slots=True)
class Module:
    """A module: its name with underscores, and its uncompressed ELF file."""

    name: str
    data: bytes


def needed(directory: Path, wanted: Iterable[str] = WANTED) -> list[Module]:
    """Return the modules to load for `wanted`, each after its dependencies.

    Modules that are built into the kernel are left out.

    Args:
        directory: a directory `/lib/modules/VERSION`.
        wanted: the modules' names, with dashes or underscores.

    Raises:
        VmError: the kernel has one of them neither as a module nor built in, or a module cannot be read.
    """
    files = _files(directory)
    builtin = _builtin(directory)
    ordered: dict[str, Module] = {}

    def visit(name: str, on_behalf_of: str) -> None:
        if name in ordered or name in builtin:
            return
        if name not in files:
            raise VmError(
                f"the kernel of {directory} has no {name}, which {on_behalf_of} needs",
                hint="use a kernel with virtio and virtiofs: `ktrace vm --kernel 6.12`",
            )
        module = Module(name, _plain(files[name]))
        for dependency in depends(module.data):
            visit(dependency, name)
        ordered[name] = module

    for name in wanted:
        visit(_normal(name), "ktrace vm")
    return list(ordered.values())


def depends(data: bytes) -> list[str]:
    """Return the names in the `depends=` string of a module's `.modinfo` section."""
    match = _DEPENDS.search(data)
    text = match[1].decode("ascii", "replace") if match else ""
    return [_normal(name) for name in text.split(",") if name]


def _normal(name: str) -> str:
    """Return the name of a loaded module: the dashes of its file become underscores."""
    return name.replace("-", "_")


def _files(directory: Path) -> dict[str, Path]:
    found = {}
    for path in (directory / "kernel").rglob("*.ko*"):
        match = _MODULE_NAME.match(path.name)
        if match:
            found[_normal(match["stem"])] = path
    return found


def _builtin(directory: Path) -> set[str]:
    try:
        lines = (directory / "modules.builtin").read_text().splitlines()
    except OSError:
        return set()
    matches = (_MODULE_NAME.match(Path(line).name) for line in lines)
    return {_normal(match["stem"]) for match in matches if match}


def _plain(path: Path) -> bytes:
    """Return the module uncompressed, as every kernel's loader takes it."""
    unpack: dict[str, Callable[[bytes], bytes]] = {
        ".xz": lzma.decompress,
        ".gz": gzip.decompress,
        ".zst": _unzstd,
    }
    try:
        data = path.read_bytes()
        return unpack[path.suffix](data) if path.suffix in unpack else data
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise VmError(f"{path}: cannot be read: {error}") from error


def _unzstd(data: bytes) -> bytes:
    """Decompress with the `zstd` program, because Python 3.11 cannot decompress zstd."""
    program = shutil.which("zstd")
    if program is None:
        raise VmError(
            "this kernel's modules are compressed with zstd, which is not installed",
            hint="install the package zstd",
        )
    done = subprocess.run([program, "-dcq"], input=data, capture_output=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.decode(errors="replace").strip() or "zstd failed")
    return done.stdout
