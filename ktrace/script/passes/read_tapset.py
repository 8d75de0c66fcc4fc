"""Read what a script uses of the tapset."""

from ktrace.script.kernel_interface import Machine
from ktrace.script.language.definitions import Alias, Script
from ktrace.script.language.preprocess import Facts
from ktrace.script.tapset import Tapset


def read_tapset(script: Script, facts: Facts, machine: Machine | None) -> tuple[Script, tuple[Alias, ...]]:
    """Add what the script uses of the tapset.

    Returns:
        The script with these functions and variables, and all aliases, the script's own first.
    """
    tapset = Tapset(facts, machine)
    aliases = tapset.aliases(script)
    return tapset.with_library(script, aliases), (*script.aliases, *aliases)
