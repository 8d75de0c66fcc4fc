"""Start programs that never outlive this process, however it ends."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Sequence

# linux/prctl.h: sets the signal that a process gets when the thread that started it ends.
PR_SET_PDEATHSIG = 1
# linux/sched.h, linux/mount.h, linux/fcntl.h, and the system calls' numbers on x86-64.
CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x4000 | 0x40000
SYS_open_tree = 428
OPEN_TREE_CLONE = 1
SYS_mount_setattr = 442
MOUNT_ATTR_RDONLY = 1
AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000


def spawn(
    argv: Sequence[str], *, fds: Sequence[int], output: int, read_only: bool = False
) -> subprocess.Popen[bytes]:
    """Start `argv`; the kernel kills it when the calling thread ends.

    It runs in its own session, so Ctrl-C and Ctrl-Z on the terminal go to ktrace alone.

    Args:
        fds: descriptors that it inherits with the same numbers.
        output: the descriptor for its standard output and standard error.
        read_only: keep it from writing to any mounted file system. Kernels before 5.12 cannot do this;
            there, what it serves must be mounted read-only.

    Raises:
        OSError: it cannot be started.
    """
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=fds,
        start_new_session=True,
        preexec_fn=_prepare(os.getpid(), read_only),  # noqa: PLW1509 - no other thread runs Python yet
    )


def _prepare(parent: int, read_only: bool) -> Callable[[], None]:
    """Return the function that the child runs between fork and exec, which takes no lock."""
    libc = ctypes.CDLL(None)
    prctl, unshare, mount, syscall = libc.prctl, libc.unshare, libc.mount, libc.syscall
    fchdir, chroot = libc.fchdir, libc.chroot
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY)  # set, clear, propagation, user namespace
    size = ctypes.c_size_t(ctypes.sizeof(attributes))

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # the parent ended before the line above
            os._exit(1)
        # Change the mounts of this process only: they must be private first, or the changes would propagate.
        if not read_only or unshare(CLONE_NEWNS) != 0:
            return
        if mount(None, b"/", None, MS_REC_PRIVATE, None) == 0:
            syscall(SYS_mount_setattr, AT_FDCWD, b"/", AT_RECURSIVE, attributes, size)
            return
        # In a chroot, / is a directory inside a mount: enter a read-only copy of the mounts there instead.
        tree = syscall(SYS_open_tree, AT_FDCWD, b"/", OPEN_TREE_CLONE | AT_RECURSIVE)
        flags = AT_EMPTY_PATH | AT_RECURSIVE
        if (
            tree >= 0
            and syscall(SYS_mount_setattr, tree, b"", flags, attributes, size) == 0
            and fchdir(tree) == 0
        ):
            chroot(b".")

    return prepare


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill the process and wait for it; nothing it holds needs an orderly end."""
    child.kill()
    child.wait()
