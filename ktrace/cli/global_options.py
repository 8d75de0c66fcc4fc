"""Read the options before the command: `ktrace -q --color never trace ...`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ktrace.errors import UsageError

if TYPE_CHECKING:
    from ktrace.cli.config import Config

_FOR_THE_COMMAND = ("-q", "--quiet", "-v", "-vv", "--verbose")
COLOURS = ("auto", "always", "never")


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """The options of ktrace itself.

    Attributes:
        colour: when to colour; "" if that is not given.
        words: `-q` and `-v`, which go to the command.
        pager: whether long output on a terminal may go to a pager.
    """

    colour: str = ""
    words: tuple[str, ...] = ()
    pager: bool = True


def split(argv: Sequence[str]) -> tuple[GlobalOptions, list[str]]:
    """Split a command line into the options of ktrace, and the command with its words.

    Raises:
        UsageError: an option's value is wrong.
    """
    found, rest = GlobalOptions(), list(argv)
    while rest:
        name, has_value, value = rest[0].partition("=")
        if rest[0] in _FOR_THE_COMMAND:
            found = replace(found, words=(*found.words, rest[0]))
        elif rest[0] == "--no-pager":
            found = replace(found, pager=False)
        elif name in ("--color", "--colour"):
            if not has_value:
                del rest[0]
                value = rest[0] if rest else ""
            found = replace(found, colour=_colour(value, name))
        else:
            break
        del rest[:1]
    return found, rest


def colour_from(options: GlobalOptions, config: "Config") -> str:
    """Return when to colour: by the command line, the environment or a file of settings."""
    setting = config.settings.get(("", "color"))
    if options.colour or setting is None:
        return options.colour or "auto"
    return _colour(str(setting.value), f"{setting.origin}: color")


def _colour(text: str, origin: str) -> str:
    if text not in COLOURS:
        raise UsageError(f"{origin}: '{text}' is not a time to colour", hint=f"one of {', '.join(COLOURS)}")
    return text
