"""Globals that are written and never read."""

import pytest

from ktrace.script.language.parser import parse
from ktrace.script.language.preprocess import Facts, Preprocessor
from ktrace.script.language.source import DOLLAR, SourceFile
from ktrace.script.passes.print_unread_globals import print_unread_globals, unread
from ktrace.script.passes.types import Code
from tests.unit.script.passes.one_pass import after, one_line


def shown(body: str) -> list[str]:
    script = parse(SourceFile("t.stp", f"global x, y probe begin {{ {body} }}"), Preprocessor(Facts()))
    return [one.name for one in unread(script.globals, [Code("p", script.probes[0].body)])]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("x = 1", ["x"]),
        ("x++; y[1] <<< 2", ["x", "y"]),
        ("x += 2", ["x"]),
        ("for (x = 0; 0; x++) ;", ["x"]),
        ("y[x] = 1; x = 2", ["y"]),
        ("z = x++", []),
        ("x = 1; print(x)", []),
        ("x[1] = 1; delete x", []),
        ("x[1] = 1; foreach (k in x) ;", []),
        ("x[1] = 1; if (1 in x) ;", []),
        ("print(x)", []),
    ],
)
def test_what_is_only_written(body: str, names: list[str]) -> None:
    assert shown(body) == names


def test_an_end_probe_prints_each_of_them() -> None:
    made = after(print_unread_globals, 'global n, names probe begin { n = 1; names["a"] = "b" }')
    assert [f"{one.hook.point} {one_line(one.hook.code)}".replace(DOLLAR, "$") for one in made.bound[1:]] == [
        'end { printf("n=%d\\n", n); }',
        'end { foreach ([k$0] in names-) printf("names[\\"%s\\"]=\\"%s\\"\\n", k$0, names[k$0]); }',
    ]
