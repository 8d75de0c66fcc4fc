"""Spell reads of a program's memory at a system call, for the function that the call enters through."""

import re

from ktrace.kernel.kernel import Kernel
from ktrace.model.registers import CONVENTIONS
from ktrace.script.kernel_interface import Read
from ktrace.symbols.syscalls import argument_offset, function_names, takes_pt_regs

_ARGUMENT = re.compile(r"\(\$arg(\d)\)")


def read_text(read: Read, syscall: str, kernel: Kernel) -> str:
    """Return the text of a read at a system call.

    Since 4.17, the function takes the process's registers: `+u8($arg2)` reads the argument there first.
    """
    if not _ARGUMENT.search(read.text):
        return read.text
    wrapper = function_names(syscall, kernel.machine)[0]
    if not takes_pt_regs(wrapper) or not kernel.symbols.has_function(wrapper):
        return read.text
    first = CONVENTIONS[kernel.machine].args[0]
    return _ARGUMENT.sub(
        lambda found: f"(+{argument_offset(int(found[1]), kernel.machine):#x}(%{first}))", read.text
    )
