"""The pipeline from trace data to output: source, decode, enrich, sink."""
