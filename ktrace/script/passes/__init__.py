"""Turn a syntax tree into handlers and probes, one pass after another."""
