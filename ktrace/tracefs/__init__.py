"""Reading and writing in the tracing directory: the only package that opens files there."""
