"""Build the parser of a command: its own options, and those that every command has."""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ktrace.cli.traced import be_verbose

if TYPE_CHECKING:
    from ktrace.cli.registry import Command

VERBOSE_HELP = "Print what ktrace does, on stderr; -vv: also what it reads."

_NEVER_VERBOSE = frozenset(("config", "examples", "parse", "report", "sql", "version"))
"""The commands that access no kernel. They accept -v, but do not list it."""


def parser_of(
    command: "Command", wrap: Callable[[Callable[..., int]], Callable[..., int]] | None = None
) -> Any:
    """Return the parser of a command: it has `params`, and `main(words, ...)`.

    Args:
        wrap: makes the function to call from that of the command.
    """
    import typer

    module = module_of(command)
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    settings = {"help_option_names": ["-h", "--help"], **getattr(module, "CONTEXT", {})}
    function = getattr(module, command.attribute)
    app.command(command.name, context_settings=settings)(wrap(function) if wrap else function)
    parser = typer.main.get_command(app)
    _add_common(command, parser)
    return parser


def module_of(command: "Command") -> ModuleType:
    """Return the module of a command."""
    return import_module(command.module)


def _add_common(command: "Command", parser: Any) -> None:
    """Add -q and -v to a command that does not declare them, so that they can be given to each."""
    from typer.core import TyperOption

    declared = {spelling for parameter in parser.params for spelling in parameter.opts}
    if "-q" not in declared:
        # There is no summary to leave out.
        parser.params.append(
            TyperOption(
                param_decls=["-q", "--quiet", "quiet"],
                is_flag=True,
                default=False,
                expose_value=False,
                hidden=True,
                help="Print no summary.",
            )
        )
    if "-v" not in declared:
        parser.params.append(
            TyperOption(
                param_decls=["-v", "--verbose", "verbose"],
                count=True,
                type=int,  # otherwise the help shows a range
                default=0,
                expose_value=False,
                callback=_verbose,
                hidden=command.name in _NEVER_VERBOSE,
                help=VERBOSE_HELP,
            )
        )


def _verbose(_context: object, _parameter: object, level: int) -> int:
    be_verbose(level)
    return level
