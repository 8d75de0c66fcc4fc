"""Match patterns against untrusted text in time proportional to the text.

Python's `re` backtracks, so a process with a crafted name could stop a program that matches names. Here
regular expressions run on an automaton (`regex`), and wildcards do not backtrack (`glob`).
"""
