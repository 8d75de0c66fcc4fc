"""The script's files as one tree."""

from ktrace.script.language.preprocess import Facts
from ktrace.script.language.printer import show
from ktrace.script.language.source import SourceFile
from ktrace.script.passes.parse import parse

FILES = (
    SourceFile("one.stp", "global n; @define step %( 2 %) probe begin { n = 1 + @step * 3 }"),
    SourceFile("two.stp", "probe end { n += @step }"),
)


def test_files_become_one_tree_and_share_their_macros() -> None:
    assert show(parse(FILES, Facts())).split("\n") == [
        "global n",
        "probe begin",
        "{",
        "  (n = (1 + (2 * 3)));",
        "}",
        "",
        "probe end",
        "{",
        "  (n += 2);",
        "}",
        "",
        "",
    ]
