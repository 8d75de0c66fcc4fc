"""Functions that handlers call. Text has one character for each byte (Latin-1), as in SystemTap."""
