"""Run a real kernel in QEMU on this machine's own files."""
