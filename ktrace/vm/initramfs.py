"""Build the guest's first root file system in memory: busybox, init, modules and the job."""

from importlib import resources
from pathlib import Path

from ktrace.errors import VmError
from ktrace.vm import cpio
from ktrace.vm.job import Job
from ktrace.vm.modules import Module

# The programs that init.sh runs, each a link to busybox.
APPLETS = (
    *("cat", "cp", "hostname", "insmod", "ip", "ln", "mkdir", "mkfifo", "mount", "setsid", "sh"),
    *("sleep", "stty", "switch_root", "sync"),
)
_DIRECTORIES = ("bin", "dev", "keep", "modules", "proc", "sys", "sysroot")


def build(busybox: Path, modules: list[Module], job: Job) -> bytes:
    """Return the archive for the kernel.

    Args:
        busybox: a statically linked busybox.
        modules: the modules, in the order in which to load them.

    Raises:
        VmError: busybox cannot be read.
    """
    try:
        program = busybox.read_bytes()
    except OSError as error:
        raise VmError(f"{busybox}: {error.strerror}") from error
    entries = [cpio.directory(path) for path in _DIRECTORIES]
    # The kernel opens it for init before anything is mounted.
    entries.append(cpio.character_device("dev/console", 5, 1))
    entries.append(cpio.regular("bin/busybox", program, executable=True))
    entries += [cpio.symlink(f"bin/{applet}", "busybox") for applet in APPLETS]
    entries.append(cpio.regular("init", _init(), executable=True))
    # The shell expands modules/*.ko in order of name; the number makes it the order in which to load.
    entries += [
        cpio.regular(f"modules/{number:03}-{module.name}.ko", module.data)
        for number, module in enumerate(modules)
    ]
    return cpio.archive([*entries, *job.entries()])


def _init() -> bytes:
    return resources.files("ktrace.vm").joinpath("init.sh").read_bytes()
