import pytest

from ktrace.errors import NotFound
from ktrace.model.debuginfo import CodeLine, FileLines, FunctionLines
from ktrace.model.miss import Miss
from ktrace.script.driver.statement_places import statement_places
from ktrace.script.language.points import AtFunction


class Info:
    """Debug info of a function declared at line 100, with code at four lines of its file."""

    def lines_of(self, function: str) -> tuple[FunctionLines, ...] | Miss:
        if function != "f":
            return Miss("debug info", f"there is no function {function}")
        lines = tuple(CodeLine(n, ()) for n in (100, 103, 110, 112))
        return (FunctionLines("f", None, "fs/a.c", "", 100, lines),)

    def lines_in(self, file: str, first: int, last: int) -> FileLines | Miss:
        lines = tuple(CodeLine(n, ()) for n in (100, 103, 110, 112, 200) if first <= n <= last)
        return FileLines(file, "", lines)


def places(lines: str, pattern: str = "f", *, file: str = "a.c", nearest: bool = False) -> list[str]:
    site = AtFunction(pattern, place=file, lines=lines, statement=True, nearest=nearest)
    return statement_places(site, file, Info())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("103", ["a.c:103"]),
        ("104", ["a.c:104"]),
        ("+3", ["f:3"]),
        ("*", ["a.c:100", "a.c:103", "a.c:110", "a.c:112"]),
        ("101-110", ["a.c:103", "a.c:110"]),
        ("100,112", ["a.c:100", "a.c:112"]),
        ("100-103,112-400", ["a.c:100", "a.c:103", "a.c:112"]),
    ],
)
def test_lines_of_a_function(lines, found):
    assert places(lines) == found


@pytest.mark.parametrize(
    ("lines", "found"), [("104", "a.c:103"), ("+9", "f:10"), ("+3", "f:3"), ("900", "a.c:112")]
)
def test_the_nearest_line_with_code(lines, found):
    assert places(lines, nearest=True) == [found]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("103", ["a.c:103"]),
        ("104-200", ["a.c:110", "a.c:112", "a.c:200"]),
        ("*", [f"a.c:{n}" for n in (100, 103, 110, 112, 200)]),
    ],
)
def test_lines_of_a_file(lines, found):
    assert places(lines, "*") == found


@pytest.mark.parametrize(
    ("lines", "pattern", "file", "said"),
    [
        ("1", "g", "a.c", "there is no function g"),
        ("1", "f", "b.c", "'f' is not in b.c"),
        ("104-109", "f", "a.c", "no code begins at a.c:104-109 in 'f'"),
        ("201-202", "*", "a.c", "no code begins"),
        ("+3", "f*", "a.c", "counts from one function"),
    ],
)
def test_lines_that_are_not_there(lines, pattern, file, said):
    with pytest.raises(NotFound, match=said):
        places(lines, pattern, file=file)
