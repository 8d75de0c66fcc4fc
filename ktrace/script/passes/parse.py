"""Parse the files of a script."""

from collections.abc import Sequence

from ktrace.script.language.definitions import Script
from ktrace.script.language.facts import Facts
from ktrace.script.language.parser import parse as parse_file
from ktrace.script.language.preprocess import Preprocessor
from ktrace.script.language.source import SourceFile


def parse(sources: Sequence[SourceFile], facts: Facts) -> Script:
    """Read the script's files into one syntax tree."""
    preprocessor = Preprocessor(facts)
    script = Script()
    for source in sources:
        script += parse_file(source, preprocessor)
    return script
