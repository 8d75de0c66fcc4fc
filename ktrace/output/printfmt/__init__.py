"""The text of an event from its format's `print fmt`, as the kernel's own `trace` shows it.

A small C: `parser` reads the expressions, `evaluate` and `calls` compute them over columns, `body` spells
them by the template's conversions.
"""

from ktrace.output.printfmt.body import MARKER, Body
from ktrace.output.printfmt.spell import UNKNOWN

__all__ = ["MARKER", "UNKNOWN", "Body"]
