"""Files that ktrace writes: outputs of commands, and caches that it reads again."""
