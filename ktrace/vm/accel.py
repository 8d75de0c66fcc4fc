"""Can this machine run guests in hardware, or must QEMU emulate?"""

import os
from dataclasses import dataclass
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
KVM = Path("/dev/kvm")
# The flags of Intel's and AMD's virtualization, as /proc/cpuinfo spells them.
VIRTUALIZATION_FLAGS = frozenset({"vmx", "svm"})


@dataclass(frozen=True, slots=True)
class Accel:
    """How QEMU runs the guest: by KVM, or by emulation, with the reason for the latter.

    With `counting` the emulated guest's clock counts its instructions, one a nanosecond.
    """

    kvm: bool
    reason: str = ""
    counting: bool = False

    @property
    def boot_deadline_s(self) -> float:
        """How long a guest may take to its init, in seconds, before it counts as hung.

        Emulated, it takes a few seconds on an idle machine and many times that on a busy one.
        """
        return 60.0 if self.kvm else 180.0

    def counted(self) -> "Accel":
        """The same, by emulation, and with a clock that counts instructions: KVM counts none."""
        return Accel(False, self.reason or "its clock is to count instructions", True)


def detect(cpuinfo: Path = CPUINFO, kvm: Path = KVM) -> Accel:
    """KVM where it truly works, else emulation.

    That /dev/kvm can be opened proves nothing: inside some virtual machines it exists while the
    processor offers no virtualization, and a guest then dies or hangs. Hence both are asked for.
    """
    if not VIRTUALIZATION_FLAGS & _cpu_flags(cpuinfo):
        return Accel(False, "the processor shows neither vmx nor svm")
    try:
        os.close(os.open(kvm, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return Accel(False, f"{kvm}: {error.strerror}")
    return Accel(True)


def _cpu_flags(cpuinfo: Path) -> frozenset[str]:
    """The flags of the first processor."""
    try:
        lines = cpuinfo.read_text(errors="replace").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "flags":
            return frozenset(value.split())
    return frozenset()
