"""Reading and writing below the tracing directory: the only room that opens a file there."""
