"""Count hits, values, times and stacks, in the kernel if it can."""
