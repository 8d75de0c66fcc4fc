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
    script, used = parse(FILES, Facts())
    assert not used
    assert show(script).split("\n") == [
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


def test_the_arguments_that_a_script_names() -> None:
    text = "probe begin { println($1, @3, $#) %( $# > 9 %? println($2) %) }"
    assert parse([SourceFile("t.stp", text)], Facts(arguments=["1", "2", "3", "4"]))[1] == {1, 3}
