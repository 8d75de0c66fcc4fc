"""The library's front door: from words to probes, applied, streamed and undone whatever happens."""
