#!/usr/bin/env python3
"""When did most events of a recording happen, and whose were they?

    examples/16-bursts.py FILE.dat [MILLISECONDS]

Print the five busiest intervals of a recording that `ktrace record` or trace-cmd made. This needs no root.
"""

import sys
from collections import Counter

import numpy as np

import ktrace


def main() -> None:
    """Count the events of each interval, and of each program in it."""
    if len(sys.argv) < 2:
        sys.exit("usage: 16-bursts.py FILE.dat [MILLISECONDS]")
    path = sys.argv[1]
    step_ns = int(float(sys.argv[2]) * 1_000_000) if len(sys.argv) > 2 else 10_000_000
    intervals: Counter[int] = Counter()
    programs: dict[int, Counter[str]] = {}
    for batch in ktrace.read(path, ordered=False):
        slots = batch.ts // step_ns
        for slot in np.unique(slots).tolist():
            names = batch.comm.take(slots == slot).tolist()
            intervals[slot] += len(names)
            programs.setdefault(slot, Counter()).update(str(name) for name in names)
    for slot, events in intervals.most_common(5):
        [(program, its)] = programs[slot].most_common(1)
        print(f"{slot * step_ns / 1e9:14.6f} s  {events:8,} events, {its:8,} of {program}")


try:
    main()
except ktrace.KtraceError as error:
    sys.exit("\n  hint: ".join(filter(None, (error.message, error.hint))))
