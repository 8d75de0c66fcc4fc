"""`python -m ktrace`, and the console script."""

import gc
import os
import sys
from contextlib import suppress

from ktrace.cli.main import main
from ktrace.storage.streams import open_standard_streams

_BLAS_THREADS = "OPENBLAS_NUM_THREADS"


def entry() -> None:
    """Run the command line and exit with its status.

    Of what a short command takes, most is Python's loading and tearing down: "Starting fast" in
    docs/architecture.md.
    """
    # Modules and classes stay: to look for rubbish among them while they load finds none.
    gc.set_threshold(100_000)
    # NumPy's library for matrices, of which we have none, would start a thread a processor as it loads. Not
    # in `os.environ`: commands that we start get that, as it came.
    if _BLAS_THREADS not in os.environ:
        os.putenv(_BLAS_THREADS, "1")
    open_standard_streams()
    status = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # told by `main`
            stream.flush()
    os._exit(status)  # everything is undone by now, and modules need no taking apart


if __name__ == "__main__":
    entry()
