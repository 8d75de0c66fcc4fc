"""The `trace.dat` file format (trace-cmd.dat.v6(5), trace-cmd.dat.v7(5)): reading and writing."""
