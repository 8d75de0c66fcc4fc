"""Have the kernel keep histograms, counts and latencies: a Plan sets them up, and a table is read back."""
