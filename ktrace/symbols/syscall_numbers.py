"""Names of system calls by number. A number never changes once it is assigned."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path


def syscall_names(machine: str) -> Mapping[int, str]:
    """Return the names of a machine's 64-bit system calls, such as `openat`; empty for an unknown machine.

    Args:
        machine: as in `uname -m`.
    """
    table = Path(__file__).with_name(f"syscalls-{machine}.txt")
    if not table.is_file():
        return {}
    pairs = (line.split() for line in table.read_text("ascii").splitlines() if line)
    return {int(number): name for number, name in pairs}


class SyscallNames(Mapping[int, str]):
    """The names of a machine's system calls, read when first needed: see `syscall_names`."""

    def __init__(self, machine: str) -> None:
        self._machine = machine

    @cached_property
    def _names(self) -> Mapping[int, str]:
        return syscall_names(self._machine)

    def __getitem__(self, number: int) -> str:
        return self._names[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
