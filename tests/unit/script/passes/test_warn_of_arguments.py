"""Arguments that nothing uses."""

import pytest

from tests.unit.script.scripts import compiled


@pytest.mark.parametrize(
    ("script", "unused"),
    [
        ("probe begin { exit() }", [1, 2]),
        ("probe begin { println(@1) }", [2]),
        ("probe begin { println($#) }", [1, 2]),
        ("probe begin { println(argc) }", []),
        ("probe begin { println(argv[2]) }", []),
        ("probe begin { println(argv_1) }", []),
        ("global argc probe begin { println(argc) }", [1, 2]),
    ],
)
def test_an_argument_that_nothing_uses_is_told(script: str, unused: list[int]) -> None:
    told = [f"the script does not use argument {i}, '{'ab'[i - 1]}'" for i in unused]
    assert list(compiled(script, None, "a", "b").warnings) == told
