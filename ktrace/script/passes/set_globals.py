"""Set the globals that the command line gives (`-G NAME=VALUE`)."""

from collections.abc import Mapping
from dataclasses import replace

from ktrace.errors import UsageError
from ktrace.script.language.ast import Number, Text
from ktrace.script.language.definitions import Global, Script
from ktrace.script.language.lexer import tokens
from ktrace.script.language.preprocess import number
from ktrace.script.language.source import SourceFile


def set_globals(script: Script, settings: Mapping[str, str]) -> Script:
    """Give globals the values of `-G NAME=VALUE`.

    Raises:
        UsageError: the script has no global variable of that name, or it is a number and the value is not.
    """
    for name in settings:
        if name not in script.global_names:
            raise UsageError(f"-G {name}: the script has no global variable of that name")
    made = tuple(_set(one, settings[one.name]) if one.name in settings else one for one in script.globals)
    return replace(script, globals=made)


def _set(one: Global, text: str) -> Global:
    """Set a global's initial value: a number if the text is one and the variable is not a string."""
    if not isinstance(one.initial, Text):
        words = tokens(SourceFile(f"-G {one.name}", text.removeprefix("-")))
        if len(words) == 2 and words[0].kind == "number":
            value = number(words[0])
            return replace(one, initial=Number(one.at, -value if text.startswith("-") else value))
    if isinstance(one.initial, Number):
        problem = f"'{text}' is not a number, and the script sets {one.name} to one"
        raise UsageError(f"-G {one.name}: {problem}", hint=f"-G {one.name}={one.initial.value}")
    return replace(one, initial=Text(one.at, text.encode("utf-8", "surrogateescape").decode("latin-1")))
