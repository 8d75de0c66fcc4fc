"""The start of the command line: the environment for libraries that are loaded later."""

import subprocess
import sys

import pytest

PROGRAM = """
import os
import ktrace.__main__ as begin
def main(argv):
    import numpy
    print(len(os.listdir("/proc/self/task")), os.environ.get("OPENBLAS_NUM_THREADS"))
    return 0
begin.main = main
begin.entry()
"""


@pytest.mark.parametrize("said", [None, "2"])
def test_numpy_starts_no_threads_unless_it_is_told_to(said: str | None) -> None:
    environment = {} if said is None else {"OPENBLAS_NUM_THREADS": said}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, env=environment, capture_output=True, text=True
    )
    threads, told = done.stdout.split()
    assert told == str(said)
    if said is None:
        assert threads == "1"
