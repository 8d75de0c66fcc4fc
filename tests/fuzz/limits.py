"""The limits of one mutant: processor time and memory. The kernel ends a process that exceeds them."""

import resource
import signal
from pathlib import Path

SECONDS = 2
BYTES = 1 << 30


def limit_memory() -> None:
    """Let this process have 1 GiB more than it has now; what asks for more fails with MemoryError."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def start_clock() -> None:
    """Give this process two seconds of processor time from now on.

    Not of the wall clock's: on a busy machine that would be findings without a cause. The signal's
    default action ends the process even where C code is running that does not look for signals.
    """
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)


def stop_clock() -> None:
    """Take the limit of time away."""
    signal.setitimer(signal.ITIMER_PROF, 0)
