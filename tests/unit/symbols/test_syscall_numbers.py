"""System calls by number."""

import pytest

from ktrace.symbols.syscall_numbers import SyscallNames, syscall_names


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 257), ("aarch64", 56)])
def test_a_machines_own_numbers(machine: str, number: int) -> None:
    names = syscall_names(machine)
    assert names[number] == "openat" and len(set(names.values())) == len(names)


def test_a_machine_that_nobody_knows() -> None:
    assert syscall_names("pdp11") == {}


def test_names_that_are_read_when_needed() -> None:
    names = SyscallNames("x86_64")
    assert names == syscall_names("x86_64") and len(names) > 300 and 257 in names
    assert names.get(10**6, "?") == "?" and SyscallNames("pdp11") == {}
