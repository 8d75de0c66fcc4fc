"""Files that ktrace opens: inputs and outputs of commands, and its caches."""
