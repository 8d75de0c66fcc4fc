"""The losses that a recording's file counts, in addition to those in its pages."""

import re
from collections.abc import Mapping

from ktrace.model.batch import Lost
from ktrace.tracedat.contents import Contents


def lost_by_cpu(contents: Contents, buffer: str = "") -> dict[int, int]:
    """Return the final number of records that each CPU's buffer lost; empty if the file has no counts."""
    found: dict[int, int] = {}
    name = ""
    for text in contents.options.cpu_stats:
        heading = re.match(r"\s*Buffer: (\S+)", text)
        cpu = re.match(r"CPU: (\d{1,9})\n", text)
        if heading:
            name = heading[1]
        elif cpu and name == buffer:
            counts = re.findall(
                r"^(?:overrun|commit overrun|dropped events): (\d{1,20})$", text, re.MULTILINE
            )
            found[int(cpu[1])] = sum(map(int, counts))
    return found


def not_told(counted: Mapping[int, int], told: Mapping[int, int], first_seq: int = 0) -> tuple[Lost, ...]:
    """Return, for each CPU, the losses that have not been reported at their position."""
    rest = {cpu: n - told.get(cpu, 0) for cpu, n in counted.items()}
    return tuple(Lost(first_seq + i, cpu, n) for i, (cpu, n) in enumerate(sorted(rest.items())) if n > 0)
