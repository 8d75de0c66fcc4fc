"""Start programs that never outlive this process, whatever ends it."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Sequence

# linux/prctl.h: the signal that a process gets when the thread that started it ends.
PR_SET_PDEATHSIG = 1


def spawn(argv: Sequence[str], *, fds: Sequence[int], output: int) -> subprocess.Popen[bytes]:
    """Start `argv`, to be killed by the kernel when the calling thread ends.

    It gets a session of its own: Ctrl-C and Ctrl-Z on the terminal are for ktrace alone.

    Args:
        fds: descriptors it inherits under their own numbers.
        output: the descriptor for what it prints, on either stream.

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
        preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - no other thread runs Python here yet
    )


def _die_with(parent: int) -> Callable[[], None]:
    """What the child does between fork and exec: nothing that could take a lock."""
    prctl = ctypes.CDLL(None).prctl

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)

    return prepare


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill and collect it. What it held is nothing that needs an orderly end."""
    child.kill()
    child.wait()
