"""Run one command in one guest: build it, start it, follow it to its end, and clean up."""

import os
import secrets
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from ktrace.diagnostic import visible
from ktrace.host.host import Host
from ktrace.vm import accel, initramfs, modules, qemu, signals, terminal, virtiofs
from ktrace.vm.guest import Deadlines, Guest, Wires
from ktrace.vm.host_side import HostSide
from ktrace.vm.job import Job, environment, hidden
from ktrace.vm.kernels import Kernel
from ktrace.vm.programs import Programs


@dataclass(frozen=True, slots=True)
class Spec:
    """The command to run, and the guest to run it in.

    `host` is the machine that ktrace, QEMU and the guest run on. An empty `argv` means a shell. `memory_mb`
    is in MiB. `share` is the full name of a directory. `timeout_s` limits the time from the start of QEMU to
    the command's end, in seconds. `append` is added to the kernel's command line. With `counting`, its
    clock counts instructions.
    """

    host: Host
    kernel: Kernel
    programs: Programs
    argv: tuple[str, ...] = ()
    cpus: int = 2
    memory_mb: int = 2048
    share: str | None = None
    timeout_s: float | None = None
    append: str = ""
    counting: bool = False


def run(spec: Spec) -> int:
    """Boot, run the command on this process's standard streams, and return its exit status.

    A signal that ends ktrace (a second SIGINT, SIGTERM, SIGHUP) also ends the guest. Then the status is 128
    plus the signal's number.

    Raises:
        VmError: the guest could not be started, panicked, hung, or ended without a status.
    """
    _open_standard_streams()
    acceleration = accel.detect(spec.host)
    if spec.counting:
        acceleration = acceleration.counted()
    if not acceleration.kvm:
        said = visible(f"no KVM, so the guest is emulated: {acceleration.reason}")
        print(f"ktrace: {said}", file=sys.stderr)
    loaded = modules.needed(spec.kernel.modules) if spec.kernel.modules else []
    job = _job(spec, emulated=not acceleration.kvm)
    archive = initramfs.build(Path(spec.programs.busybox), loaded, job)
    with signals.caught() as caught, HostSide() as host:
        shares = [_share(host, spec.programs, "ktrace-root", "/", read_only=True)]
        if spec.share is not None:
            shares.append(_share(host, spec.programs, "ktrace-share", spec.share, read_only=False))
        control, control_fd = host.wire()
        console, console_fd = host.wire()
        stdin, stdin_fd = host.wire()
        stdout, stdout_fd = (stdin, stdin_fd) if job.tty else host.wire()
        stderr, stderr_fd = host.wire()
        ports = {"control": control_fd, "stderr": stderr_fd}
        if not job.tty:
            ports |= {"stdin": stdin_fd, "stdout": stdout_fd}
        machine = qemu.Machine(
            program=spec.programs.qemu,
            kernel=str(spec.kernel.image),
            initrd=f"/proc/self/fd/{host.file(archive)}",
            accel=acceleration,
            cpus=spec.cpus,
            memory_mb=spec.memory_mb,
            console_fd=console_fd,
            shares=tuple(shares),
            ports=tuple(qemu.Port(f"ktrace.{name}", fd) for name, fd in ports.items()),
            tty_fd=stdin_fd if job.tty else None,
            append=spec.append,
        )
        host.start(qemu.argv(machine))
        wires = Wires(
            control=control,
            console=console,
            stdin=stdin,
            stdout=stdout,
            stderr=None if job.one_output else stderr,
            end=job.end,
            on_tty=job.tty,
        )
        deadlines = Deadlines(acceleration.boot_deadline_s, spec.timeout_s)
        return Guest(host, wires, caught).follow(deadlines)


def _share(host: HostSide, programs: Programs, tag: str, directory: str, *, read_only: bool) -> qemu.Share:
    def argv(fd: int) -> list[str]:
        return virtiofs.argv(programs, directory, fd, read_only=read_only)

    return qemu.Share(tag, host.serve(argv, read_only=read_only))


def _job(spec: Spec, *, emulated: bool = False) -> Job:
    """Return the command for the guest, which should behave as much as possible as it would here."""
    tty = os.isatty(0) and os.isatty(1)
    rows, columns = terminal.size(1)
    shell = os.environ.get("SHELL", "/bin/sh") if tty else "/bin/sh"
    try:
        cwd = str(Path.cwd())
    except OSError:
        cwd = "/"  # it was deleted
    return Job(
        argv=spec.argv or (shell,),
        env=environment(os.environ, sysconfig.get_path("scripts"), emulated=emulated),
        cwd=cwd,
        end=_end_mark(),
        tty=tty,
        one_output=_is_one_output(tty),
        rows=rows,
        columns=columns,
        share=spec.share,
        expose=hidden([cwd, sys.prefix, os.environ.get("VIRTUAL_ENV", sys.prefix)]),
        modules=str(spec.kernel.modules) if spec.kernel.modules else None,
    )


def _is_one_output(tty: bool) -> bool:
    """Return whether standard error and standard output go to the same place.

    If so, the guest has one stream for both.

    Two streams would arrive in any order, and within each other's lines.
    """
    if tty:
        return os.isatty(2)
    try:
        return os.path.sameopenfile(1, 2)
    except OSError:
        return False


def _end_mark() -> bytes:
    """Return a byte that is never in a text, followed by bytes that are unique to this run.

    It has no newline: the guest's terminal would turn that into two bytes, and the mark would not be found.
    """
    return b"\xff" + secrets.token_hex(16).encode()


def _open_standard_streams() -> None:
    """Open /dev/null for missing standard streams, so that no socket of ours gets their numbers."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
