"""Decide whether output may have colours."""

import os
import re
from collections.abc import Sequence
from typing import Protocol, TypeAlias


class Output(Protocol):
    """A stream that knows whether it is a terminal."""

    def isatty(self) -> bool:
        """Return whether it is a terminal."""


Rules: TypeAlias = Sequence[tuple[str, str]]
"""Regular expressions and the style (of ECMA-48, such as `1;31`) in which their second group is shown.

Their first group is what comes before it. Rules are tried in turn, on text that earlier ones have painted."""


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


def painted(text: str, rules: Rules, output: Output) -> str:
    """Return finished text with colours if they are wanted; widths were computed without them."""
    return paint(text, rules) if wants_colour(output) else text


def paint(text: str, rules: Rules) -> str:
    """Return text with colours."""
    for pattern, style in rules:
        text = re.sub(pattern, f"\\g<1>\x1b[{style}m\\g<2>\x1b[0m", text, flags=re.MULTILINE)
    return text
