"""The line upward: source, decode, enrich, sink."""
