"""The running kernel: its symbols, types, functions and their present names."""
