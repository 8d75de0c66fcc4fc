"""The tapset's table of system calls, compared with the formats of the running kernel."""

import platform
from pathlib import Path

import pytest

from ktrace.script.tapset.syscall_table import arguments, read_table
from ktrace.symbols.syscall_numbers import syscall_names
from ktrace.symbols.syscalls import call_of, function_names
from tools.syscalls import EVENTS, of_kernel

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the table is that of x86-64")

# Calls that a kernel has, and the table does not, with the reason.
NOT_IN_TABLE: dict[str, str] = {}

# Calls whose parameters had other names in older kernels, with the names.
OTHER_NAMES = {"io_uring_enter": "before Linux 5.11, argp and argsz were sig and sigsz"}


def test_each_call_has_the_arguments_of_the_kernel() -> None:
    """Number, order, names and types of the parameters; only what is not shown may be missing."""
    table, kernel = read_table(), of_kernel(EVENTS, platform.machine())
    assert len(kernel) > 300
    assert sorted(set(kernel) - set(table)) == sorted(NOT_IN_TABLE.keys() & kernel.keys())
    wrong = []
    for call, params in kernel.items():
        known = table.get(call, ())
        pairs = list(zip(params, known, strict=False))
        same = all(a.fetch_type == b.fetch_type for a, b in pairs)
        same &= call in OTHER_NAMES or all(a.name == b.name for a, b in pairs)
        rest = [one.kind for one in arguments(call)[len(params) :]]
        if not same or len(params) > len(known) or set(rest) - {"hidden"}:
            wrong.append((call, params, known))
    assert not wrong


def test_each_call_of_the_kernel_has_its_function() -> None:
    """The function by which a probe sees a call is that of the call, not of an older one of the same name."""
    functions = {line.split()[2] for line in Path("/proc/kallsyms").read_text().splitlines()}
    machine = platform.machine()
    for call in of_kernel(EVENTS, machine):
        if call_of(call, machine) in syscall_names(machine).values():
            assert functions & set(function_names(call, machine)), call
