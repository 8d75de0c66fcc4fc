"""Capture events: trace, record, snapshot and graph, each a run with its own session."""
