"""Drawing errors on stderr, and the exit code that they mean."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ktrace.errors import KtraceError, Unavailable

if TYPE_CHECKING:
    from ktrace.model.muted import Muted


def report(error: KtraceError) -> int:
    """Draw one error, unless the user has seen it; returns its exit code."""
    if error.told:
        return error.exit_code
    from ktrace.diagnostic import Diagnostic, render

    print(render(Diagnostic.of(error)), file=sys.stderr)
    return error.exit_code


def note(text: str, *, hint: str | None = None) -> None:
    """Draw a remark that is not an error."""
    from ktrace.diagnostic import Diagnostic, render

    print(render(Diagnostic(text, hint=hint)), file=sys.stderr)


def report_all(errors: Sequence[KtraceError]) -> int:
    """Draw several; the exit code is the first one's, 0 where there is none."""
    codes = [report(error) for error in errors]
    return codes[0] if codes else 0


def seeing_status(status: int, muted: "Sequence[Muted]") -> int:
    """Return a run's exit status; one that nothing could hit did not do what was asked."""
    return Unavailable.exit_code if muted and status == 0 else status
