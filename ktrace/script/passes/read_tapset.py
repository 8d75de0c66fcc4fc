"""Read what a script uses of the tapset."""

from collections.abc import Sequence

from ktrace.script.kernel_interface import Machine
from ktrace.script.language.definitions import Alias, Script
from ktrace.script.language.facts import Facts
from ktrace.script.language.parser import parse
from ktrace.script.language.preprocess import Preprocessor
from ktrace.script.language.source import ScriptError, SourceFile
from ktrace.script.tapset import Tapset, names_of


def read_tapset(
    script: Script, facts: Facts, machine: Machine | None, tapsets: Sequence[SourceFile]
) -> tuple[Script, tuple[Alias, ...], Sequence[str]]:
    """Add what the script uses of the tapset.

    Returns:
        The script with these functions and variables; all aliases, the script's own first; and a warning for
        each of the user's tapsets that cannot be read.
    """
    own, warnings = _parsed(tapsets, facts)
    script = _with_used(script, own)
    mine = tuple(alias for one in own for alias in one.aliases)
    whole = script + Script(aliases=mine)
    tapset = Tapset(facts, machine)
    aliases = (*mine, *tapset.aliases(whole))
    return tapset.with_library(script, aliases), (*script.aliases, *aliases), warnings


def _parsed(tapsets: Sequence[SourceFile], facts: Facts) -> tuple[list[Script], list[str]]:
    """Parse the user's tapsets. One with embedded C, for example, is left out."""
    preprocessor = Preprocessor(facts)
    found, warnings = [], []
    for source in tapsets:
        try:
            found.append(parse(source, preprocessor))
        except ScriptError as error:
            warnings.append(f"the tapset {source.name} is left out: {error.message}")
    return found, warnings


def _with_used(script: Script, tapsets: Sequence[Script]) -> Script:
    """Add the functions, variables and probes of each tapset that the script, or one that it uses, needs."""
    left = list(tapsets)
    while True:
        names = names_of(script, tapsets)
        used = [one for one in left if _defines(one) & names]
        if not used:
            return script
        for one in used:
            left.remove(one)
            script += Script(one.globals, one.functions, one.probes)


def _defines(script: Script) -> set[str]:
    return {one.name for one in script.functions} | {one.name for one in script.globals}
