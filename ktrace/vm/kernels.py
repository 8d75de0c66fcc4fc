"""Find the kernel to boot: in /boot, at a path, in the cache, or among a distribution's packages."""

import os
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ktrace.errors import UsageError
from ktrace.host.host import Host
from ktrace.vm import debian

DEFAULT = "6.12"


@dataclass(frozen=True, slots=True)
class Kernel:
    """A bootable kernel.

    `version` is what `uname -r` will print. `modules` is its `/lib/modules/VERSION`, or None if there is
    none; such a kernel must have everything built in.
    """

    version: str
    image: Path
    modules: Path | None


@dataclass(frozen=True, slots=True)
class Places:
    """The directories to search for kernels and modules, on the machine that ktrace runs on."""

    host: Host
    boot: Path
    cache: Path
    modules: tuple[Path, ...]

    @classmethod
    def of(cls, host: Host) -> "Places":
        """Return /boot, the user's cache directory, and /lib/modules."""
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        cache = Path(base).expanduser() / "ktrace" / "kernels"
        return cls(host, Path("/boot"), cache, (Path("/lib/modules"), Path("/usr/lib/modules")))


def find(
    wanted: str,
    places: Places,
    download: Callable[[debian.Series, Path], Path] = debian.download,
) -> Kernel:
    """Return the kernel that `wanted` names.

    Args:
        wanted: the path of a kernel image, or a series (`6.12`) or a version (`6.1.0-42-amd64`). A series or
            version never means a file in the current directory, which someone else may have put there.
        places: the directories to search.
        download: downloads a series into a cache, and returns the directory with its files.

    Raises:
        UsageError: there is no such kernel, or the file is not a kernel.
        Unavailable: it is in the cache, but another user could have put it there.
        VmError: it cannot be downloaded.
    """
    if "/" in wanted or (not wanted[:1].isdigit() and Path(wanted).is_file()):
        return from_image(Path(wanted), places)
    for image in _newest_first(_images(places)):
        if _answers_to(image.name.removeprefix("vmlinuz-"), wanted) and places.host.may(str(image), os.R_OK):
            return from_image(image, places)
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
    """Return the kernel in a directory of the cache, which `debian.download` filled."""
    modules = folder / "lib" / "modules" / folder.name
    return Kernel(folder.name, folder / "vmlinuz", modules)


def from_image(image: Path, places: Places) -> Kernel:
    """Return the kernel in a file, with modules from a place next to it or from `places`.

    Raises:
        UsageError: it is not an x86 kernel image, or cannot be read.
    """
    version = image_version(places.host, image)
    image = image.resolve()
    beside = image.parent
    candidates = [
        beside,  # /usr/lib/modules/VERSION/vmlinuz
        beside / "lib" / "modules" / version,
        beside / "modules" / version,
        beside.parent / "lib" / "modules" / version,  # an unpacked package: boot/ and lib/
        beside.parent / "usr" / "lib" / "modules" / version,
        *(place / version for place in places.modules),
    ]
    modules = next((path for path in candidates if (path / "modules.builtin").is_file()), None)
    return Kernel(version, image, modules)


def image_version(host: Host, image: Path) -> str:
    """Return the version in the setup header of an x86 kernel image.

    See Documentation/arch/x86/boot.rst: "HdrS" is at 0x202; the 16-bit number at 0x20e, plus 0x200, is
    the offset of a text that begins with the version.

    Raises:
        UsageError: as in `from_image`.
    """
    try:
        data = host.read_bytes(str(image), 0x8200)
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
    """Return whether `wanted` is this version, or a prefix that ends at a boundary: 6.1 is not 6.12."""
    return version == wanted or version.startswith((f"{wanted}.", f"{wanted}-", f"{wanted}+"))


def _images(places: Places) -> list[Path]:
    """Return the kernel images in /boot."""
    try:
        names = places.host.list(str(places.boot))
    except OSError:
        return []
    return [places.boot / name for name in names if name.startswith("vmlinuz-")]


def _newest_first(paths: Iterable[Path]) -> list[Path]:
    """Sort by time of installation or download, which avoids comparing versions."""
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)
