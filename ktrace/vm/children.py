"""Start programs that never outlive this process, whatever ends it."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Sequence

# linux/prctl.h: the signal that a process gets when the thread that started it ends.
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
    """Start `argv`, to be killed by the kernel when the calling thread ends.

    It gets a session of its own: Ctrl-C and Ctrl-Z on the terminal are for ktrace alone.

    Args:
        fds: descriptors it inherits under their own numbers.
        output: the descriptor for what it prints, on either stream.
        read_only: it can write to no file system that is mounted, where the kernel can arrange
            that (since 5.12). Where not, it can, and what it serves must be mounted read-only.

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
    """What the child does between fork and exec: nothing that could take a lock."""
    libc = ctypes.CDLL(None)
    prctl, unshare, mount, syscall = libc.prctl, libc.unshare, libc.mount, libc.syscall
    fchdir, chroot = libc.fchdir, libc.chroot
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY)  # set, clear, propagation, user namespace
    size = ctypes.c_size_t(ctypes.sizeof(attributes))

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)
        # The mounts of this process alone: private first, lest the others' follow.
        if not read_only or unshare(CLONE_NEWNS) != 0:
            return
        if mount(None, b"/", None, MS_REC_PRIVATE, None) == 0:
            syscall(SYS_mount_setattr, AT_FDCWD, b"/", AT_RECURSIVE, attributes, size)
            return
        # In a chroot, / is a folder inside a mount. Enter a copy of all that is mounted there instead.
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
    """Kill and collect it. What it held is nothing that needs an orderly end."""
    child.kill()
    child.wait()
