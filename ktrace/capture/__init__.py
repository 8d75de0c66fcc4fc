"""Capture events: trace, record, snapshot and graph, each a run with a session of its own."""
