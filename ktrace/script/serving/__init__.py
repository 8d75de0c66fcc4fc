"""Serve what a script offers while it runs: files below a folder, and pages over HTTP on loopback."""
