"""The machine that is traced: its files, processes, programs, streams and clock."""
