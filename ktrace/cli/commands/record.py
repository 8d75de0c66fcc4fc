"""`ktrace record`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli.probe_options import EVERY, FORCE, KIND, MAX_PROBES, MAXACTIVE, NTH, REGS, RETURN, STACK, Kind
from ktrace.cli.quantities import size
from ktrace.cli.run_options import (
    CHILDREN,
    CLOCK,
    COMMAND,
    CPU,
    DURATION,
    EVERYBODY,
    FILTER,
    PIDS,
    RunOptions,
)
from ktrace.cli.running import exit_status, running
from ktrace.cli.traced import is_verbose, traced
from ktrace.diagnostic import note

if TYPE_CHECKING:
    from ktrace.capture.record import Progress, Recorded


def record(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME | PLACE [ARG...]]... [, ...]",
            help="Existing events, or probes to make for this run, as in `ktrace add`.",
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The file; an existing one is replaced at the end."
        ),
    ] = "trace.dat",
    command: Annotated[str | None, COMMAND] = None,
    everybody: Annotated[bool, EVERYBODY] = False,
    pids: Annotated[list[int] | None, PIDS] = None,
    children: Annotated[bool, CHILDREN] = False,
    cpu: Annotated[str | None, CPU] = None,
    filter_: Annotated[str | None, FILTER] = None,
    duration: Annotated[float | None, DURATION] = None,
    max_size: Annotated[
        int | None,
        typer.Option(
            "--max-size", parser=size("b", 1), metavar="SIZE", help="End when this much is recorded: 2G."
        ),
    ] = None,
    returns: Annotated[bool, RETURN] = False,
    maxactive: Annotated[int, MAXACTIVE] = 0,
    regs: Annotated[bool, REGS] = False,
    kind: Annotated[Kind, KIND] = Kind.KPROBE,
    every: Annotated[bool, EVERY] = False,
    nth: Annotated[int | None, NTH] = None,
    max_probes: Annotated[int, MAX_PROBES] = 500,
    force: Annotated[bool, FORCE] = False,
    stack: Annotated[bool, STACK] = False,
    clock: Annotated[str | None, CLOCK] = None,
    buffer_kb: Annotated[
        int | None,
        typer.Option("--buffer-size", parser=size("k", 4), metavar="SIZE", help="Buffer for each CPU; 4M."),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print no progress and no summary.")] = False,
) -> int:
    """Record events to a file without decoding them, as fast as the kernel produces them.

    It ends with Ctrl-C, --duration, --max-size or CMD. The file is a trace.dat, which `ktrace report`
    reads on any machine, and so do `trace-cmd report` and KernelShark. If a recording was killed,
    `ktrace report --recover FILE` shows all pages that were full.

    \b
    Examples:
      ktrace record do_fork -c 'make -j4'
      ktrace record -o io.dat vfs_read file:path count , vfs_write count -d 10
      ktrace record -o sched.dat 'sched:*' 'irq:*' --max-size 1G
      ktrace report io.dat --json | jq .args.count
    """

    from ktrace.capture.record import default_buffer_kb
    from ktrace.capture.record import record as run
    from ktrace.capture.request import TraceRequest
    from ktrace.cli.report import report
    from ktrace.errors import UsageError
    from ktrace.kernel.kernel import Kernel
    from ktrace.output.views.summary import summary_text
    from ktrace.resolve.refusals import Refusals
    from ktrace.resolve.spec import ProbeOptions
    from ktrace.resolve.targets import find_targets
    from ktrace.session.tasks import parse_cpus
    from ktrace.tracefs.instances import Owner
    from ktrace.tracefs.mount import find_debug, find_tracing

    if not words:
        raise UsageError(
            "what to record?", hint="ktrace record do_fork; `ktrace list` shows events that exist"
        )
    sysconf = traced().sysconf
    memory_kb = sysconf("SC_PHYS_PAGES") * (sysconf("SC_PAGE_SIZE") // 1024)
    size_kb = buffer_kb or default_buffer_kb(sysconf("SC_NPROCESSORS_ONLN"), memory_kb)
    options = RunOptions(command, pids, children, duration, clock, size_kb, everybody=everybody)
    tracing = find_tracing(traced())
    group = Owner.of_this_process(traced()).name
    defaults = ProbeOptions(
        group,
        None,
        returns,
        maxactive,
        regs,
        traced().uname().machine,
        kind.value,
        every,
        nth,
        max_probes,
        force,
        whole=True,
    )
    refusals = Refusals(report)
    targets = find_targets(tracing, words, defaults, Kernel(tracing, find_debug(traced())), refusals)
    cpus = parse_cpus(cpu) if cpu else ()
    request = TraceRequest(targets, stack, filter_, cpus)
    from ktrace.output.terminal.live import can_redraw

    with running(options) as context:
        # A line that is overwritten would mix with the output of CMD, or that of -v.
        may_redraw = can_redraw(sys.stderr) and not command and not is_verbose()
        show = _show if may_redraw and not quiet else None
        done = run(context, request, output, max_size=max_size, progress=show)
        if show:
            print("\r\x1b[K", end="", file=sys.stderr)
        if not quiet:
            note(f"{output}: {summary_text(done.events, done.outcome, [_size(done.size)])}")
        if done.disk_full:
            note(_disk_full(done))
            return 1
        return refusals.status(exit_status(context, done.outcome))


def _show(progress: "Progress") -> None:
    """Show the progress in one line that is overwritten each time."""
    text = f"{progress.seconds:.1f} s, {_size(progress.size)}, {progress.events} events, {progress.lost} lost"
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _disk_full(done: "Recorded") -> str:
    return f"no space left: it ended there; {done.outcome.unread} events in the kernel's buffer are not in it"


def _size(size: int) -> str:
    units = ("bytes", "KiB", "MiB", "GiB", "TiB")
    power = min(max(size.bit_length() - 1, 0) // 10, len(units) - 1)
    return f"{size / 1024**power:.{1 if power else 0}f} {units[power]}"
