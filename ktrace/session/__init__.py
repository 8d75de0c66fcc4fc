"""Tracing sessions: define probes, stream their events, and undo everything at the end."""
