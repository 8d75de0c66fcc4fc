"""Options that take a time in seconds."""

import math

import typer

_LONGEST_S = 10**9  # 31 years; timers of the kernel take no more than 292


def check_seconds(value: float | None) -> float | None:
    """Return the value, checked.

    Raises typer.BadParameter if it is not a number, or longer than any clock can wait.
    """
    if value is not None and not (math.isfinite(value) and value <= _LONGEST_S):
        raise typer.BadParameter(f"{value:g} is not a number of seconds up to {_LONGEST_S:g}")
    return value


DURATION = typer.Option(
    "-d", "--duration", min=0, callback=check_seconds, help="End after this many seconds."
)
