"""Pages of the kernel's ring buffer, as bytes, to columns. Opens nothing."""
