"""Report errors on stderr, and return their exit status."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ktrace.errors import KtraceError

if TYPE_CHECKING:
    pass


def report(error: KtraceError) -> int:
    """Print an error, unless the user has already seen it, and return its exit status."""
    if error.told:
        return error.exit_code
    from ktrace.diagnostic import Diagnostic, render

    print(render(Diagnostic.of(error)), file=sys.stderr)
    return error.exit_code


def report_all(errors: Sequence[KtraceError]) -> int:
    """Print several errors, and return the exit status of the first, or 0 if there are none."""
    codes = [report(error) for error in errors]
    return codes[0] if codes else 0
