"""`ktrace add`."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli.combining import excludes
from ktrace.cli.probe_options import (
    EVERY,
    FORCE,
    INLINED,
    KIND,
    MAX_PROBES,
    MAXACTIVE,
    NTH,
    STACK,
    VMLINUX,
    Kind,
)
from ktrace.cli.report import report_all
from ktrace.cli.run_options import QUIET
from ktrace.cli.traced import traced
from ktrace.diagnostic import note
from ktrace.errors import UsageError

if TYPE_CHECKING:
    from ktrace.kernel.kernel import Kernel
    from ktrace.probes.add import Added, Wishes
    from ktrace.resolve.refusals import Refusals
    from ktrace.resolve.spec import ProbeOptions, ProbeSpec


def add(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PLACE [ARG...] [, PLACE [ARG...]]...", help="What to probe, and what to read."
        ),
    ] = None,
    returns: Annotated[bool, typer.Option("-r", "--return", help="Probe the function's return.")] = False,
    maxactive: Annotated[int, MAXACTIVE] = 0,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="The event's name.")] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "-g",
            "--group",
            metavar="NAME",
            help="The event's group; by default kprobes or fprobes, by its kind.",
        ),
    ] = None,
    regs: Annotated[
        bool, typer.Option("--regs", help="Read ip, flags, the stack pointer and the argument registers.")
    ] = False,
    kind: Annotated[Kind, KIND] = Kind.KPROBE,
    every: Annotated[bool, EVERY] = False,
    nth: Annotated[int | None, NTH] = None,
    max_probes: Annotated[int, MAX_PROBES] = 500,
    force: Annotated[bool, FORCE] = False,
    inlined: Annotated[bool, INLINED] = False,
    vmlinux: Annotated[Path | None, VMLINUX] = None,
    stack: Annotated[bool, STACK] = False,
    enable: Annotated[bool, typer.Option("--enable", help="Enable it in the top buffer.")] = False,
    source: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="Read definitions from FILE, - for stdin.")
    ] = None,
    atomic: Annotated[bool, typer.Option("--atomic", help="Add all probes or none.")] = False,
    append: Annotated[bool, typer.Option("--append", help="Add a probe point to an existing event.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be written, as shell commands.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each probe as a JSON record.")] = False,
    quiet: Annotated[bool, QUIET] = False,
) -> int:
    """Define a probe: a place, and the values to read there.

    PLACE is FUNCTION, FUNCTION+OFFSET, MODULE:FUNCTION, a wildcard, an address with 0x, FUNCTION%return,
    tracepoint:NAME; with debug info also FUNCTION:LINE, FILE:LINE or ':FILES'. If a function has another
    name in this kernel (renamed, a system call, changed by the compiler), ktrace finds it; the event
    keeps the name that you gave.

    ARG is NAME=EXPRESSION[:TYPE], or only an expression. A comma as a separate word begins the next
    probe. The types of expressions in C come from the kernel's BTF (docs/expressions.md):

    \b
    In C:         count file->f_pos '*pos' '&file->f_lock' p->cpus_mask.bits[0]
                  '((struct inet_sock *)sk)->inet_sport'
                  'container_of(sk, struct inet_sock, sk)->inet_sport'
                  file:path     the name of a file or directory entry
                  $args         all arguments
                  $retval->f_mode  (with -r)
    The kernel's: %di           a register
                  $arg1 $retval an argument, the return value (with -r)
                  $stack $stack2 $comm
                  @jiffies      memory at a symbol or address
                  +8(%di)       memory at the address in %di plus 8; nests
                  +u0(%si)      the same in user memory
                  \\5 \\"text"    a constant
    Types:        u8..u64 s8..s64 x8..x64 char string ustring symbol symstr
                  path %pd %pD  b4@2/32 (bits)  u32[4] (array)

    \b
    Examples:
      ktrace add do_fork
      ktrace add vfs_read count file->f_path.dentry->d_name.name
      ktrace add vfs_read count=%dx:u64
      ktrace add -r vfs_read 'ret=$retval:s64'
      ktrace add openat filename:ustring
      ktrace add vfs_read:12 count '*pos' ret
      ktrace add tracepoint:sched_switch prev->comm next->pid
      ktrace add --kind auto 'tcp_*' sk->__sk_common.skc_dport
      ktrace add --enable do_sys_openat2 'path=+u0(%si):string'
      ktrace add --regs --stack do_fork
      ktrace add vfs_read , vfs_write n=%dx
      ktrace add --from probes.txt --atomic
      ktrace add --dry-run vfs_read
    """
    import time

    excludes("--dry-run", dry_run, ("--json", as_json))
    if not words and source is None:
        raise UsageError("what to probe?", hint="ktrace add vfs_read count; ktrace add --from FILE")
    from ktrace.tracefs.mount import find_debug, find_tracing

    # Fail before loading what this machine cannot use.
    tracing, debug = find_tracing(traced()), find_debug(traced())

    from ktrace.cli.report import report
    from ktrace.kernel.kernel import Kernel
    from ktrace.probes.add import Wishes, add_probes
    from ktrace.resolve.empty_reads import checker
    from ktrace.resolve.parse import check_options
    from ktrace.resolve.refusals import Refusals
    from ktrace.resolve.spec import ProbeOptions
    from ktrace.session.signals import StopSignals

    machine = traced().uname().machine
    made = ProbeOptions(group, name, returns, maxactive, regs, machine, kind.value, every, nth, max_probes)
    defaults = replace(made, force=force, inlined=inlined, whole=True)
    kernel = Kernel(tracing, debug, vmlinux=vmlinux, force=force)
    refusals = Refusals(report)
    wanted = _wanted(words or [], source, defaults, kernel, refusals)
    refusals.end_if_nothing_is_left(wanted)
    check_options(wanted, defaults)
    wishes = Wishes(append, atomic, stack, enable)
    for text in [text for one in wanted for text in one.notes]:
        note(text)
    if dry_run:
        _print_plan(kernel, wanted, wishes, refusals)
        return refusals.status()
    if atomic:
        refusals.end_if_nothing_is_left(None)
    asked = len(wanted) + len(refusals.errors)
    started = time.monotonic()
    with StopSignals(stays=True) as stop:
        added = add_probes(tracing, debug, wanted, wishes, stop.check, checker(kernel))
    _print_added(added, {w.probe.event: w.requested for w in wanted}, as_json)
    if asked > 1 and not quiet:
        took = f"{time.monotonic() - started:.2f} s"
        print(f"ktrace: {len(added.done)} of {asked} probes added in {took}", file=sys.stderr)
    status = report_all([*refusals.errors, *(error for _, error in added.failed)])
    if enable and added.done:
        from ktrace.cli.selection import tell_muted

        muted = tell_muted(tracing, list(dict.fromkeys(d.probe.event for d in added.done)))
        status = status or muted
    return status


def _wanted(
    words: list[str], source: str | None, defaults: "ProbeOptions", kernel: "Kernel", refusals: "Refusals"
) -> "list[ProbeSpec]":
    from ktrace.resolve.definition_files import read_definitions
    from ktrace.resolve.parse import split_definitions
    from ktrace.resolve.resolve import want

    wanted: list[ProbeSpec] = []
    if source is not None:
        lines = (
            sys.stdin if source == "-" else Path(source).read_text("utf-8", "surrogateescape").splitlines()
        )
        make = partial(want, defaults=defaults, kernel=kernel)
        wanted += read_definitions(lines, source, defaults, make, refusals.add)
        if not (wanted or refusals.errors or words):
            raise UsageError(f"{source} contains no definition")
    if words or source is None:
        for one in split_definitions(words):
            with refusals.one():
                wanted += want(one, defaults, kernel)
    if defaults.name and len({w.probe.place for w in wanted}) > 1 and not defaults.every:
        hint = "omit it, or add the probes one by one, the later ones with --append"
        raise UsageError("--name is for one probe", hint=hint)
    return wanted


def _print_plan(kernel: "Kernel", wanted: "list[ProbeSpec]", wishes: "Wishes", refusals: "Refusals") -> None:
    """Print what would be written for each probe, and report what would be refused."""
    from ktrace.probes.add import plan
    from ktrace.probes.define import resolve
    from ktrace.resolve.empty_reads import checker
    from ktrace.resolve.spec import relocator

    move, check = relocator(wanted), checker(kernel)
    lines: list[str] = []
    for one in wanted:
        with refusals.one():
            defined = resolve(
                kernel.tracing,
                one.probe,
                lambda: kernel.symbols,
                append=wishes.append,
                debug=kernel.debug,
                move=move,
                check=check,
            )
            if defined.note:
                note(defined.note)
            lines += plan(defined.probe, wishes).to_shell(kernel.tracing.root)
    if not (wishes.atomic and refusals.errors):
        print("\n".join(lines), end="\n" if lines else "")


def _print_added(added: "Added", asked: dict[str, str | None], as_json: bool) -> None:
    from ktrace.output.views.list import probe_json

    for defined in added.done:
        if defined.note:
            note(defined.note)
        probe = defined.probe
        name = defined.requested or asked.get(probe.event)
        print(probe_json(probe, asked=name) if as_json else probe.event)
