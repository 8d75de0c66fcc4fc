"""QEMU's command line, as a pure function of what the machine is made of.

Every connection between ktrace and the guest is a socket that ktrace opened beforehand and whose
descriptor QEMU inherits: nothing has a name in the file system, so nothing can be left there.
"""

from dataclasses import dataclass

from ktrace.vm.accel import Accel

# quiet: what the kernel says while booting goes to the console, which is shown only on failure.
# panic=-1 reboots at once, and -no-reboot turns that into QEMU's exit; an oops is a panic, since
# what a guest does after one says nothing.
KERNEL_LINE = "console=ttyS0 quiet panic=-1 oops=panic"


@dataclass(frozen=True, slots=True)
class Share:
    """A directory of the host in the guest: the tag to mount, the socket to its virtiofsd."""

    tag: str
    fd: int


@dataclass(frozen=True, slots=True)
class Port:
    """A virtio-serial port: its name in the guest's sysfs, the socket behind it."""

    name: str
    fd: int


@dataclass(frozen=True, slots=True)
class Machine:
    """What QEMU is to run. All `fd`s are descriptors in the process that becomes QEMU.

    `memory_mb` is in MiB. `tty_fd` is the socket behind the guest's /dev/ttyS1, if it has one; `append`
    stands at the end of the kernel's command line.
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
    """The words to execute."""
    words = [machine.program, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    if machine.accel.kvm:
        words += ["-accel", "kvm", "-cpu", "host"]
    else:
        # One host thread for all processors: with one each, a processor may still run what it had
        # translated before another patched the code, and meets a breakpoint that has gone by then.
        # Switching probes patches code all the time; guests died of it ("Oops: int3").
        words += ["-accel", "tcg,thread=single", "-cpu", "max"]
    if machine.accel.counting:
        # While no processor runs, time is not waited for either.
        words += ["-icount", "shift=0,sleep=off"]
    words += ["-smp", str(machine.cpus), "-m", f"{machine.memory_mb}M"]
    # virtiofsd maps the guest's memory, which must therefore be shared.
    words += ["-object", f"memory-backend-memfd,id=mem,size={machine.memory_mb}M,share=on"]
    words += ["-machine", "memory-backend=mem"]
    words += ["-kernel", machine.kernel, "-initrd", machine.initrd]
    words += ["-append", f"{KERNEL_LINE} {machine.append}".rstrip()]
    words += [*_socket("console", machine.console_fd), "-serial", "chardev:console"]
    if machine.tty_fd is not None:
        # A serial line, not a virtio console: that is several times slower under emulation, and
        # drops what its reader does not take at once.
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
