"""Read and write the `trace.dat` file format (trace-cmd.dat.v6(5), trace-cmd.dat.v7(5))."""
