"""Names of system calls by number. A number never changes once it is assigned."""

from collections.abc import Mapping
from importlib import resources


def syscall_names(machine: str) -> Mapping[int, str]:
    """Return the names of a machine's 64-bit system calls, such as `openat`; empty for an unknown machine.

    Args:
        machine: as in `uname -m`.
    """
    table = resources.files(__package__).joinpath(f"syscalls-{machine}.txt")
    if not table.is_file():
        return {}
    pairs = (line.split() for line in table.read_text("ascii").splitlines() if line)
    return {int(number): name for number, name in pairs}
