"""Report errors on stderr, and return their exit status."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ktrace.errors import KtraceError

if TYPE_CHECKING:
    from ktrace.diagnostic import Diagnostic

_COLOURS = (
    (r"^()(ktrace:)", "1;31"),
    (r"^(  +)(\^)$", "1;32"),
    (r"^(  )(hint:)", "36"),
)


def report(error: KtraceError) -> int:
    """Print an error, unless the user has already seen it, and return its exit status."""
    if error.told:
        return error.exit_code
    from ktrace.diagnostic import Diagnostic

    show(Diagnostic.of(error))
    return error.exit_code


def show(diagnostic: "Diagnostic") -> None:
    """Print an error for the width of the terminal, in colour if wanted."""
    from ktrace.diagnostic import render, width_of
    from ktrace.output.terminal.colour import painted

    print(painted(render(diagnostic, width_of(sys.stderr)), _COLOURS, sys.stderr), file=sys.stderr)


def report_all(errors: Sequence[KtraceError]) -> int:
    """Print several errors, and return the exit status of the first, or 0 if there are none."""
    codes = [report(error) for error in errors]
    return codes[0] if codes else 0
