"""Build QEMU's command line from the description of the machine.

Every connection between ktrace and the guest is a socket that ktrace opened beforehand and whose descriptor
QEMU inherits. None has a name in the file system, so nothing can be left there.
"""

from dataclasses import dataclass

from ktrace.vm.accel import Accel

# quiet: boot messages go to the console, which is shown only on failure. panic=-1 reboots at once, and
# -no-reboot turns that into QEMU's exit. An oops becomes a panic, because a guest's results after one prove
# nothing.
KERNEL_LINE = "console=ttyS0 quiet panic=-1 oops=panic"


@dataclass(frozen=True, slots=True)
class Share:
    """A host directory in the guest: the tag to mount, and the socket to its virtiofsd."""

    tag: str
    fd: int


@dataclass(frozen=True, slots=True)
class Port:
    """A virtio-serial port: its name in the guest's sysfs, and the socket connected to it."""

    name: str
    fd: int


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that QEMU is to run.

    All `fd`s are descriptors in the process that becomes QEMU. `memory_mb` is in MiB. `tty_fd` is the socket
    connected to the guest's /dev/ttyS1, if it has one. `append` goes to the end of the kernel's command line.
    """

    program: str
    kernel: str
    initrd: str
    accel: Accel
    cpus: int
    memory_mb: int
    console_fd: int
    shares: tuple[Share, ...]
    ports: tuple[Port, ...]
    tty_fd: int | None = None
    append: str = ""


def argv(machine: Machine) -> list[str]:
    """Return the command line of QEMU."""
    words = [machine.program, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    if machine.accel.kvm:
        words += ["-accel", "kvm", "-cpu", "host"]
    else:
        # Use one host thread for all CPUs. With one thread each, a CPU may still run code that it translated
        # before another CPU patched it, and hit a breakpoint that is gone by then. Switching probes patches
        # code all the time, and guests died of it ("Oops: int3").
        words += ["-accel", "tcg,thread=single", "-cpu", "max"]
    if machine.accel.counting:
        # sleep=off: do not wait while all CPUs are idle.
        words += ["-icount", "shift=0,sleep=off"]
    words += ["-smp", str(machine.cpus), "-m", f"{machine.memory_mb}M"]
    # virtiofsd maps the guest's memory, so the memory must be shared.
    words += ["-object", f"memory-backend-memfd,id=mem,size={machine.memory_mb}M,share=on"]
    words += ["-machine", "memory-backend=mem"]
    words += ["-kernel", machine.kernel, "-initrd", machine.initrd]
    words += ["-append", f"{KERNEL_LINE} {machine.append}".rstrip()]
    words += [*_socket("console", machine.console_fd), "-serial", "chardev:console"]
    if machine.tty_fd is not None:
        # Use a serial line: a virtio console is several times slower under emulation, and drops data that its
        # reader does not take at once.
        words += [*_socket("tty", machine.tty_fd), "-serial", "chardev:tty"]
    for number, share in enumerate(machine.shares):
        words += _socket(f"fs{number}", share.fd)
        words += ["-device", f"vhost-user-fs-pci,chardev=fs{number},tag={share.tag}"]
    words += ["-device", "virtio-serial-pci,id=serial"]
    for number, port in enumerate(machine.ports):
        words += _socket(f"port{number}", port.fd)
        words += ["-device", f"virtserialport,chardev=port{number},name={port.name},bus=serial.0"]
    return words


def _socket(name: str, fd: int) -> list[str]:
    return ["-chardev", f"socket,id={name},fd={fd}"]
