"""Resolve the words of a command line to probe definitions: places, arguments, source lines, events."""
