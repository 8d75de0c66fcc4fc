"""A kretprobe's return value equals what the system call returned, over 1,000 reads of known sizes."""

import shlex
import sys
from collections.abc import Callable

READER = """
import os, sys
fd = os.open("/dev/zero", os.O_RDONLY)
for size in range(70001, 71001):
    assert os.read(fd, size) == bytes(size)
"""


def test_a_thousand_reads(ktrace: Callable) -> None:
    outcome = ktrace(
        "trace", "-r", "vfs_read", "ret=$retval:s64", "--json", "--filter", "ret > 70000 && ret < 71001",
        "-c", f"{shlex.quote(sys.executable)} -S -c '{READER}'",
    )  # fmt: skip
    assert [e["args"]["ret"] for e in outcome.records("event")] == list(range(70001, 71001))
    assert "none lost" in outcome.err
