"""Names, places and types: kallsyms, renamed functions, the blacklist."""
