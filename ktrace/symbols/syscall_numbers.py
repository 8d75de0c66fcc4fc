"""Names of system calls by their numbers, which never change once they are given out."""

from collections.abc import Mapping
from importlib import resources


def syscall_names(machine: str) -> Mapping[int, str]:
    """The names of a machine's 64-bit system calls, such as `openat`; of an unknown machine none.

    Args:
        machine: as `uname -m` says.
    """
    table = resources.files(__package__).joinpath(f"syscalls-{machine}.txt")
    if not table.is_file():
        return {}
    pairs = (line.split() for line in table.read_text("ascii").splitlines() if line)
    return {int(number): name for number, name in pairs}
