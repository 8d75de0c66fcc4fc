"""Run ktrace as `python -m ktrace` and as the console script."""

import gc
import os
import sys
from contextlib import suppress

from ktrace.cli.main import main
from ktrace.storage.streams import open_standard_streams

_BLAS_THREADS = "OPENBLAS_NUM_THREADS"


def entry() -> None:
    """Run the command line and exit with its status.

    A short command spends most of its time on starting and stopping Python: see "Starting fast" in
    docs/architecture.md.
    """
    # Modules and classes stay, so collecting garbage while they load frees nothing.
    gc.set_threshold(100_000)
    # Otherwise NumPy's matrix library, which ktrace does not use, starts a thread for each CPU. The variable
    # is not set in `os.environ`, because the commands that ktrace starts get that environment.
    if _BLAS_THREADS not in os.environ:
        os.putenv(_BLAS_THREADS, "1")
    open_standard_streams()
    status = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # `main` has reported it
            stream.flush()
    os._exit(status)  # everything is undone by now, and modules need no clean-up


if __name__ == "__main__":
    entry()
