"""Decide whether output may have colours."""

import os
from typing import Protocol


class Output(Protocol):
    """A stream that knows whether it is a terminal."""

    def isatty(self) -> bool:
        """Return whether it is a terminal."""


def wants_colour(output: Output) -> bool:
    """Return whether to colour what goes to a stream.

    Only on a terminal that can, and not if NO_COLOR has a value (https://no-color.org).
    """
    return output.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
