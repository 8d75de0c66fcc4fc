"""Report errors on stderr; return the exit status that they mean."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ktrace.errors import KtraceError

if TYPE_CHECKING:
    pass


def report(error: KtraceError) -> int:
    """Draw one error, unless the user has seen it; returns its exit code."""
    if error.told:
        return error.exit_code
    from ktrace.diagnostic import Diagnostic, render

    print(render(Diagnostic.of(error)), file=sys.stderr)
    return error.exit_code


def report_all(errors: Sequence[KtraceError]) -> int:
    """Draw several; the exit code is the first one's, 0 where there is none."""
    codes = [report(error) for error in errors]
    return codes[0] if codes else 0
