"""Read what a script uses of the tapset."""

from ktrace.script.language.definitions import Alias, Script
from ktrace.script.tapset import Tapset


def read_tapset(script: Script, tapset: Tapset) -> tuple[Script, tuple[Alias, ...]]:
    """Add what the script uses of the tapset.

    Returns:
        The script with these functions and variables, and all aliases, the script's own first.
    """
    aliases = tapset.aliases(script)
    return tapset.with_library(script, aliases), (*script.aliases, *aliases)
