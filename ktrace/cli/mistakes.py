"""Explain a wrong command line: what is wrong in it, and what was probably meant."""

import re
from collections.abc import Iterable

from ktrace.model.near import close_to

_CHOICES = re.compile(r"Invalid value for '([^']*)': '(.*)' is not one of (.*)\.", re.DOTALL)
_NAMES = re.compile(r"^Invalid value for ('[^']*'(?: / '[^']*')*): ")


def explained(error: Exception, program: str) -> tuple[str, str]:
    """Return the message and the hint for an error of the parser.

    Args:
        program: the command, such as `ktrace list`.
    """
    message = getattr(error, "format_message", lambda: str(error))()
    help_ = f"{program} --help"
    option = getattr(error, "option_name", None)
    parser = getattr(getattr(error, "ctx", None), "command", None)
    if message.startswith("No such option") and option:
        known = [
            spelling for one in getattr(parser, "params", ()) for spelling in (*one.opts, *one.secondary_opts)
        ]
        return f"{option} is not an option of `{program}`", meant(option, [*known, "--help"], help_)
    if match := _CHOICES.fullmatch(message):
        choices = re.findall(r"'([^']*)'", match[3])
        told = f"{match[1]}: '{match[2]}' is none of {', '.join(choices)}"
        return told, meant(match[2], choices, help_)
    if match := re.fullmatch(r"Missing argument '(.*)'\.", message, re.DOTALL):
        return f"{match[1]} is missing", help_
    if match := re.fullmatch(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", message, re.DOTALL):
        return f"`{program}` takes no further word: {match[1]}", help_
    return _NAMES.sub(
        lambda found: re.sub(r"'([^']*)'", r"\1", found[1]).replace(" / ", ", ") + ": ", message
    ), help_


def meant(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return a hint with the known words that are close to this one."""
    dashes = word[: len(word) - len(word.lstrip("-"))]
    names = {
        one[len(dashes) :]: one for one in known if one.startswith(dashes) and len(one) > len(dashes) + 1
    }
    near = [names[one] for one in close_to(word[len(dashes) :], names)]
    return f"did you mean {' or '.join(near)}?\n{otherwise}" if near else otherwise
