"""Turn the command line into a call of one command's function, and its errors into an exit status."""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from types import TracebackType
from typing import TextIO

from ktrace.cli.config import Config, read
from ktrace.cli.global_options import GlobalOptions, colour_from, split
from ktrace.cli.registry import COMMANDS, Command, find
from ktrace.cli.report import report, show
from ktrace.errors import Interrupted, KtraceError, OutOfTime
from ktrace.output.terminal.colour import choose

_USAGE = """\
Usage: ktrace [-q] [-v] [--color auto|always|never] [--no-pager] COMMAND ...
See kernel functions called, with their arguments: no compiler, no module.

{commands}

`ktrace COMMAND --help` explains a command, `ktrace examples` shows what to ask.
Start with `ktrace doctor` and `ktrace trace do_fork -- make`.

Exit status: 0 success, 1 failed, 2 usage, 3 refused by the kernel, 4 not found,
5 cannot run here, 6 busy or name taken, 7 damaged input, 125 virtual machine
failed, 128+N ended by signal N. With -c CMD or `vm -- CMD`, that of CMD.
"""

_BROKEN_PIPE = 128 + 13  # as the shell reports a program that was ended by SIGPIPE
_INTERRUPTED = 128 + 2
_OUT_OF_TIME = "the run had ended, but nobody read its output: the rest of it was dropped"
_FLUSH_S = 0.2


def main(argv: Sequence[str]) -> int:
    """Run `ktrace ARGV...` and return its exit status."""
    try:
        status = _dispatch(list(argv))
        _flush_stdout()
    except (BrokenPipeError, _OutputClosed):
        _silence_stdout()
        return _BROKEN_PIPE
    except OutOfTime as late:
        _drop_output()
        _tell(KtraceError(_OUT_OF_TIME))
        return 128 + late.signum if late.signum else KtraceError.exit_code
    except Interrupted as stop:
        _drop_output()
        return 128 + stop.signum
    except KeyboardInterrupt:
        _drop_output()
        return _INTERRUPTED
    except KtraceError as error:
        return _tell(error)
    except (OSError, MemoryError, RuntimeError, ImportError) as error:
        problem = _explained(error)
        if problem is None:
            raise
        return _tell(problem)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # raised by Polars; it is not an Exception
            raise
        return _tell(
            KtraceError(f"Polars failed: {error}", hint="memory, or too many open files (ulimit -n)?")
        )
    return status


def _tell(error: KtraceError) -> int:
    """Report an error and return its exit status, even if standard error cannot be written to."""
    with suppress(OSError):
        report(error)
    return error.exit_code


def _explained(error: BaseException) -> KtraceError | None:
    if isinstance(error, OSError | MemoryError):
        _let_go(error.__traceback__)
    from ktrace.cli.shortage import explained

    return explained(error)


def _let_go(trace: TracebackType | None) -> None:
    """Clear the frames of a failure, because reporting it needs the memory and files that they hold."""
    while trace is not None:
        with suppress(RuntimeError):  # the frame still runs
            trace.tb_frame.clear()
        trace = trace.tb_next


def _dispatch(argv: list[str]) -> int:
    options, argv = split(argv)
    if not argv:
        return _print_usage(sys.stderr, 2)
    name, *rest = argv
    if name in ("-h", "--help") or (name == "help" and not rest):
        return _print_usage(sys.stdout, 0)
    if name == "help":
        name, rest = rest[0], ["--help"]
    if name in ("-V", "--version"):
        name = "version"
    config = read(os.environ, find)
    for text in config.notes:
        from ktrace.diagnostic import note

        note(text)
    command = find(name)
    if command is None and (words := config.alias(name)) is not None:
        name, rest = words[0], [*words[1:], *rest]
        command = find(name)
    if command is None:
        raise _unknown(name)
    choose(colour_from(options, config))
    if name == "run" and not config.section("run") and not options.words:
        from ktrace.cli.script_words import plain_run

        plain = plain_run(rest)
        if plain is not None:
            from ktrace.script.driver.run import run

            return run(*plain)
    with _paging(command, rest) if options.pager and sys.stdout.isatty() else nullcontext():
        return _run(command, rest, config, options)


def _paging(command: Command, words: list[str]) -> AbstractContextManager[None]:
    """Return the context in which a command's output goes to a pager, if that is wanted."""
    from ktrace.cli.pager import PAGED, paging, wanted_pager

    pages = command.name in PAGED or words[-1:] in (["-h"], ["--help"])
    pager = wanted_pager(os.environ) if pages else ""
    return paging(pager) if pager else nullcontext()


def _run(command: Command, words: list[str], config: Config, options: GlobalOptions) -> int:
    import typer

    from ktrace.cli.parser import module_of, parser_of

    module = module_of(command)
    if (prepare := getattr(module, "prepare", None)) is not None:
        words = prepare(words)
        if words is None:
            return 0
    if getattr(module, "TAKES_EXPRESSIONS", True):
        words = _protect_expressions(words)
    parser = parser_of(command, _passing_broken_pipes)
    words = [*options.words, *words]
    if hasattr(module, "COMMAND"):  # of cli.run_options; of a script, words after -- are its arguments
        words = _command_last(words)
    try:
        result = parser.main(
            words,
            prog_name=f"ktrace {command.name}",
            standalone_mode=False,
            default_map=config.defaults(command.name, parser.params),
        )
    except typer.Abort:
        return _INTERRUPTED
    except typer.TyperException as error:
        return _bad_usage(command, error)
    return result if isinstance(result, int) else 0


def _command_last(words: list[str]) -> list[str]:
    """Turn `... -- CMD ARG...`, as other tracers take it, into `... -c 'CMD ARG...'`."""
    if "--" not in words:
        return words
    import shlex

    from ktrace.errors import UsageError

    at = words.index("--")
    if not words[at + 1 :]:
        raise UsageError("there is no command after --")
    if {"-c", "--command"} & set(words[:at]):
        raise UsageError("-c and -- together: which command?")
    return [*words[:at], "-c", shlex.join(words[at + 1 :])]


def _passing_broken_pipes(function: Callable[..., int]) -> Callable[..., int]:
    """Let a closed pipe reach `main`; typer would turn it into exit status 1."""

    @functools.wraps(function)
    def guarded(*args: object, **options: object) -> int:
        try:
            return function(*args, **options)
        except BrokenPipeError:
            raise _OutputClosed from None

    return guarded


class _OutputClosed(BaseException):
    """The reader of standard output has gone away."""


def _protect_expressions(words: list[str]) -> list[str]:
    """Mark words that begin with `-` and are not options.

    A fetch argument such as `-8(%sp)` gets a `=` before it (model.fetch). `-:NAME`, with which the kernel
    removes an event, becomes `!:NAME`; both are refused with the same message.
    """
    words = [f"!{word[1:]}" if word.startswith("-:") else word for word in words]
    return [f"={word}" if word[:1] == "-" and word.lstrip("-u")[:1].isdigit() else word for word in words]


def _bad_usage(command: Command, error: Exception) -> int:
    from ktrace.cli.mistakes import explained
    from ktrace.diagnostic import Diagnostic

    message, hint = explained(error, f"ktrace {command.name}")
    with suppress(OSError):  # as in `_tell`
        show(Diagnostic(message, hint=hint))
    return 2


def _unknown(name: str) -> KtraceError:
    from ktrace.errors import UsageError
    from ktrace.model.near import close_to

    if name.startswith("-"):
        return UsageError(f"{name} is not an option of ktrace itself", hint="ktrace --help")
    near = close_to(name, [*(c.name for c in COMMANDS), "help"], 1)
    hint = f"did you mean `ktrace {near[0]}`?" if near else "`ktrace --help` lists the commands"
    return UsageError(f"there is no command '{name}'", hint=hint)


def _print_usage(out: TextIO, status: int) -> int:
    group_width = max(len(c.group) for c in COMMANDS)
    name_width = max(len(c.name) for c in COMMANDS)
    lines, last = [], ""
    for command in COMMANDS:
        group = command.group if command.group != last else ""
        lines.append(f"{group:<{group_width}}  {command.name:<{name_width}}  {command.summary}")
        last = command.group
    out.write(_USAGE.format(commands="\n".join(lines)))
    return status


def _flush_stdout() -> None:
    """Flush standard output; a command whose output is lost has failed."""
    try:
        sys.stdout.flush()
    except OSError as error:
        error.filename = error.filename or "standard output"
        raise


def _drop_output() -> None:
    """Flush standard output if it is read within a short time; otherwise drop what is buffered."""
    import signal

    def too_late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, _FLUSH_S)
    try:
        sys.stdout.flush()
    except OSError:  # TimeoutError is one
        _silence_stdout()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _silence_stdout() -> None:
    """Redirect standard output to /dev/null, so that flushing at exit does not fail again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
