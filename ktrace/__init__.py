"""ktrace: a front end for the Linux kernel's dynamic events.

Importing this package imports nothing else: commands that do little must start fast.
"""

__version__ = "0.1.0"
