"""Parse the files of a script."""

from collections.abc import Sequence

from ktrace.script.language.definitions import Script
from ktrace.script.language.facts import Facts
from ktrace.script.language.parser import parse as parse_file
from ktrace.script.language.preprocess import Preprocessor
from ktrace.script.language.source import SourceFile


def parse(sources: Sequence[SourceFile], facts: Facts) -> tuple[Script, frozenset[int]]:
    """Read the script's files into one syntax tree.

    Returns:
        The tree, and the numbers of the arguments that the files name.
    """
    preprocessor = Preprocessor(facts)
    script = Script()
    for source in sources:
        script += parse_file(source, preprocessor)
    return script, frozenset(preprocessor.used)
