"""Find the kernel to boot: in /boot, at a path, in the cache, or among a distribution's packages."""

import os
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ktrace.errors import UsageError
from ktrace.vm import debian

DEFAULT = "6.12"


@dataclass(frozen=True, slots=True)
class Kernel:
    """A bootable kernel.

    `version` is what `uname -r` will say, `modules` its `/lib/modules/VERSION`, or None where
    there is none: such a kernel must have everything built in.
    """

    version: str
    image: Path
    modules: Path | None


@dataclass(frozen=True, slots=True)
class Places:
    """Where kernels and modules may be."""

    boot: Path
    cache: Path
    modules: tuple[Path, ...]

    @classmethod
    def of_this_machine(cls) -> "Places":
        """/boot, /lib/modules, and the user's own cache folder."""
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        cache = Path(base).expanduser() / "ktrace" / "kernels"
        return cls(Path("/boot"), cache, (Path("/lib/modules"), Path("/usr/lib/modules")))


def find(
    wanted: str,
    places: Places,
    download: Callable[[debian.Series, Path], Path] = debian.download,
) -> Kernel:
    """The kernel that `wanted` names.

    Args:
        wanted: a path of a kernel image; or a series (`6.12`) or a version (`6.1.0-42-amd64`), which
            never mean a file of the current folder: somebody else may have put one there.
        places: where to look.
        download: fetches a series into a cache, and returns the directory with its files.

    Raises:
        UsageError: no kernel of that name, or the file is none.
        Unavailable: it is in the cache, and another user could have put it there.
        VmError: it has to be downloaded, and cannot be.
    """
    if "/" in wanted or (not wanted[:1].isdigit() and Path(wanted).is_file()):
        return from_image(Path(wanted), places.modules)
    for image in _newest_first(places.boot.glob("vmlinuz-*")):
        if _answers_to(image.name.removeprefix("vmlinuz-"), wanted) and os.access(image, os.R_OK):
            return from_image(image, places.modules)
    for folder in _newest_first(places.cache.glob("[!.]*")):
        if _answers_to(folder.name, wanted):
            debian.check_owner(places.cache, folder)
            return from_cache(folder)
    series = debian.SERIES.get(wanted)
    if series is None:
        known = ", ".join(debian.SERIES)
        raise UsageError(
            f"no kernel {wanted} in {places.boot} or {places.cache}",
            hint=f"series that can be downloaded: {known}; or give the path of a kernel image",
        )
    return from_cache(download(series, places.cache))


def from_cache(folder: Path) -> Kernel:
    """The kernel in one folder of the cache, which `debian.download` filled."""
    modules = folder / "lib" / "modules" / folder.name
    return Kernel(folder.name, folder / "vmlinuz", modules)


def from_image(image: Path, module_places: Iterable[Path]) -> Kernel:
    """The kernel in a file, with its modules from beside it or from `module_places`.

    Raises:
        UsageError: it is no x86 kernel image, or cannot be read.
    """
    version = image_version(image)
    image = image.resolve()
    beside = image.parent
    candidates = [
        beside,  # /usr/lib/modules/VERSION/vmlinuz
        beside / "lib" / "modules" / version,
        beside / "modules" / version,
        beside.parent / "lib" / "modules" / version,  # an unpacked package: boot/ and lib/
        beside.parent / "usr" / "lib" / "modules" / version,
        *(place / version for place in module_places),
    ]
    modules = next((path for path in candidates if (path / "modules.builtin").is_file()), None)
    return Kernel(version, image, modules)


def image_version(image: Path) -> str:
    """The version that an x86 kernel image carries in its setup header.

    Documentation/arch/x86/boot.rst: "HdrS" at 0x202; the 16-bit number at 0x20e, plus 0x200, is
    the offset of a text that begins with the version.

    Raises:
        UsageError: as in `from_image`.
    """
    try:
        with image.open("rb") as file:
            data = file.read(0x8200)
    except OSError as error:
        raise UsageError(f"--kernel {image}: {error.strerror}") from error
    if data[0x202:0x206] != b"HdrS":
        raise UsageError(
            f"--kernel {image}: not a Linux kernel for x86",
            hint="a file such as /boot/vmlinuz-VERSION, or arch/x86/boot/bzImage of a build",
        )
    (offset,) = struct.unpack_from("<H", data, 0x20E)
    text = data[0x200 + offset :].split(b"\0", 1)[0].split(b" ", 1)[0]
    return text.decode("ascii", "replace")


def _answers_to(version: str, wanted: str) -> bool:
    """Whether `wanted` is this version, or begins it at a boundary: 6.1 is not 6.12."""
    return version == wanted or version.startswith((f"{wanted}.", f"{wanted}-", f"{wanted}+"))


def _newest_first(paths: Iterable[Path]) -> list[Path]:
    """By time of installation or download, which needs no opinion on how versions compare."""
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)
