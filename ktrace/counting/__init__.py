"""Answer with numbers: count, hist, latency, stacks and slow calls, counted in the kernel where it can."""
