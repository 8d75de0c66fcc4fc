"""Command lines, of which the tapset reads the first words."""

import pytest

from tests.unit.script.scripts import run


@pytest.mark.parametrize(
    ("words", "more", "text"),
    [
        ([(1, "a"), (1, "b c"), (0, ""), (1, "HOME=/"), (0, "")], 1, '["a", "b c"]'),
        ([(0, ""), (1, "HOME=/")], 1, "[]"),
        ([(1, "a"), (1, "b")], 1, '["a", "b", ...]'),
        ([(1, "a"), (1, "b")], 0, '["a", "b"]'),
    ],
)
def test_a_command_line_ends_at_its_null_pointer(words: list[tuple[int, str]], more: int, text: str) -> None:
    made = '""'
    for pointer, word in words:
        made = f'__ktrace_word({made}, {pointer}, "{word}")'
    assert run(f"probe begin {{ print(__ktrace_words({made}, {more})) exit() }}") == text
