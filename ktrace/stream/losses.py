"""What a recording's file says was lost, beside what its pages say."""

import re
from collections.abc import Mapping

from ktrace.model.batch import Lost
from ktrace.tracedat.contents import Contents


def lost_by_cpu(contents: Contents, buffer: str = "") -> dict[int, int]:
    """What each CPU's buffer lost, as the kernel counted in the end; empty where the file does not say."""
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
    """What CPUs lost in the end but for what has been told in its place."""
    rest = {cpu: n - told.get(cpu, 0) for cpu, n in counted.items()}
    return tuple(Lost(first_seq + i, cpu, n) for i, (cpu, n) in enumerate(sorted(rest.items())) if n > 0)
