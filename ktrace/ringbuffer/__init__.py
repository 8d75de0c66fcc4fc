"""Decode pages of the kernel's ring buffer into columns. Opens no file."""
