"""Sinks: what a person or a program sees."""
