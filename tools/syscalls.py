"""Print the table of system calls: those of a kernel, and the table's own calls that this kernel lacks.

    sudo .venv/bin/python tools/syscalls.py [EVENTS] > /tmp/table
    mv /tmp/table ktrace/script/tapset/syscalls.txt

EVENTS is a directory like /sys/kernel/tracing/events/syscalls, the default. Run it on the oldest kernel
first: names and types of parameters are then those of the newest kernel that has the call.
`tests/kernel/test_syscall_table.py` compares the table with the running kernel.
"""

import platform
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ktrace.script.tapset.syscall_table import read_table  # noqa: E402 -- after the path that finds ktrace in this tree
from ktrace.symbols.syscalls import SyscallParam, call_of, params_from_format  # noqa: E402 -- as above

EVENTS = Path("/sys/kernel/tracing/events/syscalls")
NOT_CALLS = ("uprobe", "uretprobe")
"""Events that are not calls of programs: only the kernel's own trampolines raise them."""

Calls = dict[str, tuple[SyscallParam, ...]]


def of_kernel(events: Path, machine: str) -> Calls:
    """Return the calls of a kernel with their parameters, from the formats of its events."""
    found = {}
    for file in events.glob("sys_enter_*/format"):
        name = file.parent.name.removeprefix("sys_enter_")
        if name not in NOT_CALLS:
            found[call_of(name, machine)] = params_from_format(file.read_text())
    return found


def lines(calls: Calls) -> list[str]:
    """Return the lines of the table."""
    return [
        f"{name}({', '.join(f'{param.ctype} {param.name}' for param in params)})"
        for name, params in sorted(calls.items())
    ]


def main() -> None:
    """Print it."""
    events = Path(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    print(*lines({**read_table(), **of_kernel(events, platform.machine())}), sep="\n")


if __name__ == "__main__":
    main()
