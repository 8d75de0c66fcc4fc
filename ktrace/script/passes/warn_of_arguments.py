"""Warn of arguments that the script does not use."""

from collections.abc import Sequence

from ktrace.script.language.definitions import Script
from ktrace.script.language.facts import Facts


def warn_of_arguments(
    script: Script, arguments: frozenset[int], facts: Facts, warnings: Sequence[str]
) -> Sequence[str]:
    """Warn of arguments that the script does not use.

    A script that reads `argc`, `argv` or `argv_1` uses all of them, and `$#` uses none.
    """
    if any(one.name == "argc" and one.at.source.tapset for one in script.globals):
        return warnings
    given = enumerate(facts.arguments, 1)
    unused = [f"the script does not use argument {i}, '{text}'" for i, text in given if i not in arguments]
    return (*warnings, *unused)
