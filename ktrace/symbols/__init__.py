"""Kernel symbols, types and source lines: kallsyms, BTF, ELF, DWARF, renamed functions and system calls."""
