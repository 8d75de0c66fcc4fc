"""Decide whether output may have colours."""

import os
from typing import Protocol


class Output(Protocol):
    """A stream that knows whether it is a terminal."""

    def isatty(self) -> bool:
        """Return whether it is a terminal."""


class _Choice:
    """The choice of the user for the whole process."""

    when = "auto"


_choice = _Choice()


def choose(when: str) -> None:
    """Colour `always`, `never`, or where it can be seen (`auto`), from now on."""
    _choice.when = when


def wants_colour(output: Output) -> bool:
    """Return whether to colour what goes to a stream.

    Unless `choose` said always or never: only on a terminal that can, and not if NO_COLOR has a value
    (https://no-color.org).
    """
    if _choice.when != "auto":
        return _choice.when == "always"
    return output.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
