"""Find the programs that `ktrace vm` needs, before anything is downloaded or started."""

import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ktrace.errors import Unavailable
from ktrace.host.host import Host
from ktrace.model.own_command import as_root

# virtiofsd is not meant for users, so it is not in PATH. These are the places in newer Debian and Fedora,
# in Debian's QEMU up to 7.2, and in Arch.
VIRTIOFSD = ("/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd", "/usr/lib/virtiofsd")
PACKAGES = "qemu-system-x86 busybox-static"
# elf(5): the segment that names the dynamic linker.
PT_INTERP = 3


@dataclass(frozen=True, slots=True)
class Programs:
    """The full names of the programs; `virtiofsd_options` is the text of its `--help`."""

    qemu: str
    busybox: str
    virtiofsd: str
    virtiofsd_options: str


def find(host: Host, virtiofsd_places: tuple[str, ...] = VIRTIOFSD) -> Programs:
    """Find all programs on the machine that ktrace runs on.

    Raises:
        Unavailable: the user is not root, the machine is not x86-64, or a program is not installed; names the
            packages.
    """
    if host.euid() != 0:
        raise Unavailable(
            "`ktrace vm` must be run as root: virtiofsd shows the host's files to the guest",
            hint=as_root("vm ..."),
        )
    machine = host.uname().machine
    if machine != "x86_64":
        raise Unavailable(f"`ktrace vm` runs x86-64 guests on x86-64, not on {machine}")
    qemu = shutil.which("qemu-system-x86_64")
    busybox = shutil.which("busybox")
    virtiofsd = next((place for place in virtiofsd_places if os.access(place, os.X_OK)), None)
    found = {"qemu-system-x86_64": qemu, "busybox": busybox, "virtiofsd": virtiofsd}
    missing = [name for name, place in found.items() if place is None]
    if qemu is None or busybox is None or virtiofsd is None:
        raise Unavailable(
            f"not installed: {', '.join(missing)}",
            hint=f"apt install {PACKAGES}, and virtiofsd if it is a separate package",
        )
    if _is_dynamic(Path(busybox)):
        raise Unavailable(
            f"{busybox} needs shared libraries, which the guest's first file system does not have",
            hint="apt install busybox-static",
        )
    return Programs(qemu, busybox, virtiofsd, _help(virtiofsd))


def _is_dynamic(program: Path) -> bool:
    """Return whether a segment of this 64-bit ELF file names a dynamic linker."""
    with program.open("rb") as file:
        header = file.read(64)
        if len(header) < 64 or header[:5] != b"\x7fELF\x02":
            return True  # for example a script, which the kernel could not start in the guest either
        (offset,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(offset)
        table = file.read(size * count)
    kinds = (struct.unpack_from("<I", table, size * number)[0] for number in range(count))
    return PT_INTERP in kinds


def _help(program: str) -> str:
    done = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
