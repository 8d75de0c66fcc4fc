"""Files that ktrace writes: outputs of commands, and its caches."""
