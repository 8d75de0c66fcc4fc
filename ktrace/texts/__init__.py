"""Text that traces were printed as: by the kernel, trace-cmd, perf and Android, wherever it went since."""
