import pytest

from ktrace.output.terminal.cells import cells, cut


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 0), ("vfs_read", 8), ("\u8bfb\u53d6", 4), ("e\u0301", 1), ("\U0001f600x", 3), ("\xe9", 1)],
)
def test_the_cells_of_a_text(text: str, size: int) -> None:
    assert cells(text) == size
    assert cut(text, size) == text


def test_a_wide_character_that_does_not_fit_is_left_out() -> None:
    assert cut("a\u8bfb\u53d6b", 4) == "a\u8bfb" and cut("a\u8bfb", 2) == "a"
    assert cut("e\u0301e\u0301", 1) == "e\u0301" and cut("abc", 2) == "ab" and cut("\u8bfb", 0) == ""
