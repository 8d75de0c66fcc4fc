"""`ktrace run`."""

from pathlib import Path
from typing import Annotated

import typer

from ktrace.cli.combining import excludes
from ktrace.cli.parser import VERBOSE_HELP
from ktrace.cli.probe_options import MAX_PROBES, VMLINUX
from ktrace.cli.quantities import count, seconds
from ktrace.cli.run_options import BUFFER_KB
from ktrace.cli.script_words import arch, facts_of, read_script
from ktrace.cli.traced import be_verbose, traced

# As in SystemTap, a script's `-5` is an unknown option, but after -- it is an argument.
TAKES_EXPRESSIONS = False


def prepare(words: list[str]) -> list[str] | None:
    """Translate stap's command line if `--as-stap` is the first word. Return None if all is done."""
    if words[:1] != ["--as-stap"]:
        return words
    from ktrace.cli.stap_words import from_stap
    from ktrace.diagnostic import note
    from ktrace.version import __version__

    uname = traced().uname()
    made = from_stap(words[1:], uname.release, arch(uname.machine))
    if made.version:
        print(f"Systemtap translator/driver (version 5.0, ktrace {__version__})")
        return None
    for text in made.notes:
        note(f"WARNING: {text}")
    return made.words


# long: it passes on every option, and tells which of them exclude each other.
def run(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCRIPT] [ARG]...", help="The script, - for standard input, and its arguments."
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option("-e", metavar="SCRIPT", help="The text of the script; all words are arguments."),
    ] = None,
    command: Annotated[
        str | None, typer.Option("-c", "--command", metavar="CMD", help="Start CMD, and end with it.")
    ] = None,
    target: Annotated[int | None, typer.Option("-x", metavar="PID", help="The value of target().")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("-G", metavar="NAME=VALUE", help="Set a global variable; repeatable.")
    ] = None,
    limits: Annotated[
        list[str] | None, typer.Option("-D", metavar="NAME=VALUE", help="Set a limit, such as MAXACTION.")
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(
            "-T",
            "-d",
            "--duration",
            metavar="TIME",
            parser=seconds(),
            help="End after this time: 10s, 500ms, 2m.",
        ),
    ] = None,
    list_points: Annotated[
        str | None, typer.Option("-l", metavar="POINT", help="List the probe points that match.")
    ] = None,
    list_variables: Annotated[
        str | None,
        typer.Option("-L", metavar="POINT", help="The same, with the variables that can be read there."),
    ] = None,
    pass_: Annotated[
        int,
        typer.Option(
            "-p", parser=count(1, 5), metavar="N", help="Stop after pass N: 1 parse, 2 resolve, to 5."
        ),
    ] = 5,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Print to FILE.")
    ] = None,
    source: Annotated[str | None, typer.Option("--input", metavar="FILE", help="Run on a recording.")] = None,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan", help="Show what would be written to the kernel and run in ktrace; run nothing."
        ),
    ] = False,
    passes: Annotated[
        bool, typer.Option("--passes", help="List the passes of the compilation; needs no script.")
    ] = False,
    pushdown: Annotated[
        bool, typer.Option(show_default=False, help="Let the kernel filter and count if it can, the default.")
    ] = True,
    allow_system: Annotated[
        bool, typer.Option("--allow-system", help="Allow the script to start programs with system().")
    ] = False,
    procfs: Annotated[
        str | None,
        typer.Option("--procfs", metavar="DIR", help="Serve the script's procfs files below DIR."),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option("--listen", metavar="PORT", help="Serve them over HTTP on loopback, for reading."),
    ] = None,
    buffer_kb: Annotated[int | None, BUFFER_KB] = None,
    max_probes: Annotated[int, MAX_PROBES] = 500,
    vmlinux: Annotated[Path | None, VMLINUX] = None,
    tapsets: Annotated[
        list[str] | None,
        typer.Option("-I", metavar="DIR", help="Read the tapsets (.stp files) below DIR; repeatable."),
    ] = None,
    no_warnings: Annotated[bool, typer.Option("-w", help="Print no warnings about the script.")] = False,
    strict: Annotated[bool, typer.Option("-W", help="Treat warnings about the script as errors.")] = False,
    as_stap: Annotated[
        bool, typer.Option("--as-stap", help="Take the words after it as those of stap; it must come first.")
    ] = False,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep the compiled script for the next run.")
    ] = True,
    verbose: Annotated[
        int, typer.Option("-v", "--verbose", count=True, help=VERBOSE_HELP, show_default=False)
    ] = 0,
) -> int:
    """Run a SystemTap script: no compiler, no kernel module.

    The script's probes become events in the run's own tracing instance. ktrace runs the handlers on the
    recorded events, in order of time. docs/systemtap.md lists the differences from SystemTap.

    \b
    Examples:
      ktrace run -e 'probe begin { printf("hello\\n") exit() }'
      ktrace run -T 1 -e 'probe vfs.read { printf("%s\\n", execname()) }'
      ktrace run script.stp 5 name -T 10
      ktrace run script.stp -- -5
      ktrace run -x 1234 script.stp
      ktrace run -c 'ls -l' -e 'global n probe syscall.* { n[name]++ }'
      ktrace run --listen 9090 metrics.stp
      ktrace run --plan script.stp
      ktrace run -p1 script.stp
      ktrace run --passes
      ktrace run --as-stap -vg script.stp
    """
    from ktrace.errors import UsageError
    from ktrace.script.driver import run as scripting
    from ktrace.script.driver.options import Options

    script_options = (("a script", words), ("-e", text), ("-x", target), ("-G", settings), ("-D", limits))
    shown = (("-l", list_points), ("-L", list_variables), ("-p", pass_ < 5), ("--plan", plan))
    served = (("--procfs", procfs), ("--listen", listen))
    of_a_run = (("-c", command), ("-T", duration), ("--output", output), ("--input", source), *served)
    excludes("--passes", passes, *script_options, *shown, *of_a_run, ("--buffer-size", buffer_kb))
    if passes:
        from ktrace.script.passes.pass_list import PASSES
        from ktrace.script.passes.pass_manager import listing

        print("\n".join(listing(PASSES)))
        return 0
    if as_stap:
        raise UsageError("--as-stap must be the first word", hint="ktrace run --as-stap script.stp")
    excludes("-l", list_points, ("-L", list_variables))
    listed = list_points or list_variables
    excludes("-l and -L", listed, ("-e", text), ("a script", words), ("-p", pass_ < 5), ("--plan", plan))
    no_run = listed is not None or plan or pass_ < 5
    excludes("a plan or a list", no_run, ("--output", output), ("-T", duration), *served)
    recorded = (("-c", command), ("-T", duration), ("--buffer-size", buffer_kb), *served)
    excludes("--input", source, *recorded)
    wanted = list_points or list_variables
    if wanted is not None:
        # A script that asks for the name has a probe for each system call.
        text = f"probe {wanted} {{ pn() }}"
    words = words or []
    if text is None and not words:
        raise UsageError(
            "which script?", hint="ktrace run script.stp; ktrace run -e 'probe begin { exit() }'"
        )
    if command and target is not None:
        raise UsageError("-c and -x together: which process?")
    be_verbose(verbose)
    script, arguments = read_script(text, words)
    options = Options(
        host=traced(),
        facts=facts_of(arguments),
        settings=_settings(settings or []),
        limits=tuple(limits or ()),
        command=command,
        target=target,
        duration_s=duration,
        output=output,
        source=source,
        pushdown=pushdown,
        allow_system=allow_system,
        procfs=procfs,
        listen=listen,
        buffer_kb=buffer_kb,
        max_probes=max_probes,
        vmlinux=vmlinux,
        verbose=verbose > 0,
        tapsets=tuple(tapsets or ()),
        warnings="error" if strict else "none" if no_warnings else "show",
        cache=cache,
    )
    if pass_ == 1:
        print(scripting.parsed(script, options), end="")
        return 0
    if wanted is not None:
        return scripting.list_points(script, options, variables=list_variables is not None)
    if plan or pass_ < 5:
        return scripting.show_plan(script, options)
    return scripting.run(script, options)


def _settings(words: list[str]) -> dict[str, str]:
    from ktrace.errors import UsageError

    for word in words:
        if "=" not in word:
            raise UsageError(f"-G {word}: this must be NAME=VALUE")
    return {name: value for name, _, value in (word.partition("=") for word in words)}
