"""Declare the options shared by commands that run for a time: when to end, and whose hits to take."""

from collections.abc import Sequence

import typer

from ktrace.cli.combining import needs
from ktrace.cli.quantities import count, seconds, size
from ktrace.errors import UsageError
from ktrace.records import dataclass

COMMAND = typer.Option("-c", "--command", metavar="CMD", help="Only CMD and its children; end with it.")
EVERYBODY = typer.Option("-a", "--all-tasks", help="With CMD: also hits of others, while CMD runs.")
PIDS = typer.Option("-p", "--pid", metavar="PID", help="Only this process; repeatable.")
CHILDREN = typer.Option("--children", help="With -p: also its children.")
CPU = typer.Option("-C", "--cpu", metavar="LIST", help="Only these CPUs, such as 0,2-3.")
FILTER = typer.Option(
    "--filter", metavar="EXPR", help="Only hits that pass this filter, such as 'count > 4096'."
)
DURATION = typer.Option(
    "-d", "--duration", parser=seconds(), metavar="TIME", help="End after this time: 10s, 500ms, 2m."
)
COUNT = typer.Option("-n", "--count", parser=count(), metavar="N", help="End after N events.")
CLOCK = typer.Option("--clock", metavar="NAME", help="Trace clock; by default mono, if available.")
BUFFER_KB = typer.Option(
    "--buffer-size", parser=size("k", 4), metavar="SIZE", help="Buffer for each CPU: 512k, 4M."
)
TIME = typer.Option(
    "--time",
    metavar="FORM",
    help="Times in text: rel, delta, mono, boot, wall (local), utc, iso; by default the trace clock's.",
)
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
        everybody: whether to take hits of all tasks, not of `command` alone.

    Raises:
        UsageError: options that contradict each other.
    """

    command: str | None = None
    pids: Sequence[int] | None = None
    children: bool = False
    duration_s: float | None = None
    clock: str | None = None
    buffer_kb: int | None = None
    everybody: bool = False

    def __post_init__(self) -> None:
        if self.command and self.pids:
            raise UsageError("-c and -p together: which process?")
        if self.everybody and self.pids:
            raise UsageError("-a and -p together: all tasks, or these?")
        needs("--children", self.children, "-p PID", self.pids)
