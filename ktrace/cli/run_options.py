"""Declare the options shared by commands that run for a time: when to end, and whose hits to take."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import typer

from ktrace.cli.combining import needs
from ktrace.errors import UsageError

_LONGEST_S = 10**9  # 31 years; timers of the kernel take no more than 292


def check_seconds(value: float | None) -> float | None:
    """Check a number of seconds and return it.

    Raises typer.BadParameter if it is not a number, or longer than any clock can wait.
    """
    if value is not None and not (math.isfinite(value) and value <= _LONGEST_S):
        raise typer.BadParameter(f"{value:g} is not a number of seconds up to {_LONGEST_S:g}")
    return value


COMMAND = typer.Option("-c", "--command", metavar="CMD", help="Only CMD and its children; end with it.")
PIDS = typer.Option("-p", "--pid", help="Only this process; repeatable.")
CHILDREN = typer.Option(help="With -p: also its children.")
CPU = typer.Option("--cpu", help="Only these CPUs, such as 0,2-3.")
FILTER = typer.Option("--filter", help="Only hits that pass this filter, such as 'count > 4096'.")
DURATION = typer.Option(
    "-d", "--duration", min=0, callback=check_seconds, help="End after this many seconds."
)
CLOCK = typer.Option(help="Trace clock; by default mono, if available.")
BUFFER_KB = typer.Option("--buffer-size", min=4, metavar="KB", help="KiB of buffer for each CPU.")
JSON = typer.Option("--json", help="Print JSON Lines: see docs/json.md.")
QUIET = typer.Option("-q", "--quiet", help="Print no summary.")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of a run.

    Attributes:
        command: the command of `-c`.
        pids: the process ids of `-p`.
        children: whether to include their children.
        duration_s: seconds until the end; None for no limit.
        clock: the trace clock; None for the best one.
        buffer_kb: KiB of buffer for each CPU; None for the kernel's default.

    Raises:
        UsageError: options that contradict each other.
    """

    command: str | None = None
    pids: Sequence[int] | None = None
    children: bool = False
    duration_s: float | None = None
    clock: str | None = None
    buffer_kb: int | None = None

    def __post_init__(self) -> None:
        if self.command and self.pids:
            raise UsageError("-c and -p together: which process?")
        needs("--children", self.children, "-p PID", self.pids)
