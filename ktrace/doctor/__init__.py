"""Find out what works on this machine, and what to do about the rest, for `ktrace doctor`."""
