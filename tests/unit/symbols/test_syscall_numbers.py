"""System calls by number."""

import pytest

from ktrace.symbols.syscall_numbers import syscall_names


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 257), ("aarch64", 56)])
def test_a_machines_own_numbers(machine: str, number: int) -> None:
    names = syscall_names(machine)
    assert names[number] == "openat" and len(set(names.values())) == len(names)


def test_a_machine_that_nobody_knows() -> None:
    assert syscall_names("pdp11") == {}
