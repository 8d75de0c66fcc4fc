import re
from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from ktrace.model.patterns.glob import join_glob


@given(st.text("ab?*", max_size=8), st.text("ab", max_size=12))
def test_the_same_as_a_shell(glob: str, text: str) -> None:
    pieces = [None if ch == "*" else "." if ch == "?" else ch for ch in glob]
    assert (re.fullmatch(join_glob(pieces, "."), text) is not None) == fnmatchcase(text, glob)


def test_nothing_before_a_star_is_tried_again() -> None:
    assert join_glob([None, "a", None, None, "b", None], ".") == "(?>.*?a)(?>.*?b).*"
