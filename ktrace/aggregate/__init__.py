"""Histograms, counts and latencies that the kernel keeps: a Plan sets them up, a table is read back."""
