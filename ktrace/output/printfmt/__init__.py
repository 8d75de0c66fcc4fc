"""The text of an event, made from its format's `print fmt` as in the kernel's own `trace`.

A `print fmt` is a small subset of C: `parser` reads the expressions, `evaluate` and `calls` compute them over
columns, and `body` formats the results by the conversions of the template.
"""

from ktrace.output.printfmt.body import MARKER, Body
from ktrace.output.printfmt.spell import UNKNOWN

__all__ = ["MARKER", "UNKNOWN", "Body"]
