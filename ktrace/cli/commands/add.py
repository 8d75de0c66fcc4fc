"""`ktrace add`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli.report import report_all

if TYPE_CHECKING:
    from ktrace.model.probe import Probe
    from ktrace.session.add import Added, Wishes
    from ktrace.session.words import Defaults


def add(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PLACE [ARG...] [, PLACE [ARG...]]...", help="What to probe, and what to read."
        ),
    ] = None,
    returns: Annotated[bool, typer.Option("-r", "--return", help="Probe the function's return.")] = False,
    maxactive: Annotated[
        int,
        typer.Option(help="Of a return probe: calls that may be inside at a time; 0: as the kernel likes."),
    ] = 0,
    name: Annotated[str | None, typer.Option("-n", "--name", help="The event's name.")] = None,
    group: Annotated[str, typer.Option("-g", "--group", help="The event's group.")] = "kprobes",
    regs: Annotated[
        bool, typer.Option("--regs", help="Read ip, flags, the stack pointer and the argument registers.")
    ] = False,
    stack: Annotated[bool, typer.Option("--stack", help="Record the kernel stack at each hit.")] = False,
    enable: Annotated[bool, typer.Option("-e", "--enable", help="Switch it on in the top buffer.")] = False,
    source: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="Read definitions from FILE, - for stdin.")
    ] = None,
    atomic: Annotated[
        bool, typer.Option("--atomic", help="All or none: one refusal undoes the rest.")
    ] = False,
    append: Annotated[
        bool, typer.Option("--append", help="Add a probe point to an event that exists.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be written, as shell.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each probe as a JSON record.")] = False,
) -> int:
    """Define a probe: the place, then what to read there.

    PLACE is FUNCTION, FUNCTION+OFFSET, MODULE:FUNCTION, an address with 0x, or FUNCTION%return. A
    function that has been renamed is found under its present name; the event keeps the name you gave.

    ARG is NAME=EXPRESSION[:TYPE], or an expression alone. A comma that stands alone begins the next
    probe.

    \b
    Expressions:  %di           a register
                  $arg1 $retval an argument, the return value (with -r)
                  $stack $stack2 $comm
                  @jiffies      memory at a symbol or address
                  +8(%di)       memory at what %di holds, plus 8; nests
                  +u0(%si)      the same in user memory
                  \\5 \\"text"    a constant
    Types:        u8..u64 s8..s64 x8..x64 char string ustring symbol
                  b4@2/32 (bits)  u32[4] (array)

    \b
    Examples:
      ktrace add do_fork
      ktrace add vfs_read count=%dx:u64
      ktrace add -r vfs_read 'ret=$retval:s64'
      ktrace add -e do_sys_openat2 'path=+u0(%si):string'
      ktrace add --regs --stack do_fork
      ktrace add vfs_read , vfs_write n=%dx
      ktrace add --from probes.txt --atomic
      ktrace add --dry-run vfs_read
    """
    import os
    import time

    from ktrace.session.add import Wishes, add_probes
    from ktrace.session.signals import StopSignals
    from ktrace.session.words import Defaults
    from ktrace.tracefs.mount import find_debug, find_tracing

    probes = _wanted(words or [], source, Defaults(group, name, returns, maxactive, regs, os.uname().machine))
    wishes = Wishes(append, atomic, stack, enable)
    tracing = find_tracing()
    if dry_run:
        return _print_plan(tracing.root, probes, wishes)
    started = time.monotonic()
    with StopSignals() as stop:
        added = add_probes(tracing, find_debug(), probes, wishes, stop.check)
    _print_added(added, as_json)
    if len(probes) > 1:
        took = f"{time.monotonic() - started:.2f} s"
        print(f"ktrace: {len(added.done)} of {len(probes)} probes added in {took}", file=sys.stderr)
    return report_all([error for _, error in added.failed])


def _wanted(words: list[str], source: str | None, defaults: "Defaults") -> "list[Probe]":
    from ktrace.errors import UsageError
    from ktrace.session.words import probe_from_words, read_definitions, split_definitions

    probes: list[Probe] = []
    if source is not None:
        lines = (
            sys.stdin if source == "-" else Path(source).read_text("utf-8", "surrogateescape").splitlines()
        )
        probes += read_definitions(lines, source, defaults)
        if not probes and not words:
            raise UsageError(f"{source} holds no definition")
    if words or source is None:
        probes += [probe_from_words(one, defaults) for one in split_definitions(words)]
    if defaults.name and len({p.place for p in probes}) > 1:
        hint = "leave it out, or add one by one, the later ones with --append"
        raise UsageError("--name is for one probe", hint=hint)
    return probes


def _print_plan(root: str, probes: "list[Probe]", wishes: "Wishes") -> int:
    from ktrace.session.add import plan
    from ktrace.session.define import resolve

    for probe in probes:
        defined = resolve(probe)
        if defined.note:
            print(f"ktrace: {defined.note}", file=sys.stderr)
        for line in plan(defined.probe, wishes).to_shell(root):
            print(line)
    return 0


def _print_added(added: "Added", as_json: bool) -> None:
    from ktrace.output.listing import probe_json

    for defined in added.done:
        if defined.note:
            print(f"ktrace: {defined.note}", file=sys.stderr)
        print(probe_json(defined.probe, asked=defined.asked) if as_json else defined.probe.event)
