"""Histograms, counts and latencies that the kernel keeps: a Plan going down, a table coming back."""
