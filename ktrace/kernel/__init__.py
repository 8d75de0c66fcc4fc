"""What is known of the running kernel: its symbols, types, functions and their present names."""
