"""Patterns over text that somebody else chose: matching takes time in proportion to the text.

Python's `re` backtracks: a process that chooses its name well could stop whoever matches names. So regular
expressions run on an automaton (`regex`), and wildcards never try again what they have matched (`glob`).
"""
