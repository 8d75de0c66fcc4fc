"""Find out whether this machine can run guests in hardware, or QEMU must emulate them."""

import os
from dataclasses import dataclass
from pathlib import Path

from ktrace.host.host import Host

CPUINFO = "/proc/cpuinfo"
KVM = Path("/dev/kvm")
# The flags of Intel's and AMD's virtualization, as /proc/cpuinfo spells them.
VIRTUALIZATION_FLAGS = frozenset({"vmx", "svm"})


@dataclass(frozen=True, slots=True)
class Accel:
    """Describes how QEMU runs the guest: with KVM, or by emulation, with the reason for that.

    With `counting`, the clock of the emulated guest counts its instructions, one per nanosecond.
    """

    kvm: bool
    reason: str = ""
    counting: bool = False

    @property
    def boot_deadline_s(self) -> float:
        """Return how long a guest may take to reach its init before it counts as hung, in seconds.

        An emulated guest takes a few seconds on an idle machine, and many times that on a busy one.
        """
        return 60.0 if self.kvm else 180.0

    def counted(self) -> "Accel":
        """Return the same acceleration, but emulated and counting instructions, which KVM cannot count."""
        return Accel(False, self.reason or "its clock must count instructions", True)


def detect(host: Host, kvm: Path = KVM) -> Accel:
    """Return KVM if it really works on the machine that ktrace runs on, or else emulation.

    Opening /dev/kvm is not enough. In some virtual machines it exists although the processor has no
    virtualization, and a guest then dies or hangs. So the processor's flags are checked, too.
    """
    if not VIRTUALIZATION_FLAGS & _cpu_flags(host):
        return Accel(False, "the processor shows neither vmx nor svm")
    try:
        os.close(os.open(kvm, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return Accel(False, f"{kvm}: {error.strerror}")
    return Accel(True)


def _cpu_flags(host: Host) -> frozenset[str]:
    """Return the flags of the first CPU."""
    try:
        lines = host.read(CPUINFO).splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "flags":
            return frozenset(value.split())
    return frozenset()
