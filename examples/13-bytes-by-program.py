#!/usr/bin/env python3
"""How many bytes does each program ask to read and to write?

    sudo examples/13-bytes-by-program.py [SECONDS]

The records come as NumPy columns, so NumPy adds them up: there is no loop over records.
"""

import sys
from collections import Counter

import numpy as np

import ktrace


def main() -> None:
    """Trace for some seconds, and print the ten programs that read and write most."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    totals: dict[str, Counter[str]] = {"vfs_read": Counter(), "vfs_write": Counter()}
    with ktrace.Session() as session:
        for function in totals:
            session.add(function, "count=%dx:u64")
        for batch in session.stream(duration_s=seconds):
            sums = np.bincount(batch.comm.codes, batch["count"], len(batch.comm.values))
            for program, total in zip(batch.comm.values, sums, strict=True):
                totals[batch.event][str(program)] += int(total)
        lost = session.lost + session.unread
    for function, by_program in totals.items():
        for program, total in by_program.most_common(10):
            print(f"{function:10} {program:16} {total:14,} bytes")
    if lost:
        print(f"{lost} records were lost: the sums are too small", file=sys.stderr)


try:
    main()
except ktrace.KtraceError as error:
    sys.exit("\n  hint: ".join(filter(None, (error.message, error.hint))))
