"""Matches are the leftmost ones, and the longest at that position; no text makes them slow."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ktrace.model.patterns import regex
from ktrace.model.patterns.regex import Regex
from ktrace.model.patterns.syntax import PatternError
from tests.fuzz.reduce import key_of
from tests.fuzz.targets.filters import Regexes

PIECES = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]"])
PATTERNS = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}|{t[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{,2}", "{2,}"])).map(
            lambda t: f"({t[0]}){t[1]}"
        ),
        inner.map("^{}".format),
        inner.map("{}$".format),
    ),
    max_leaves=6,
)


def backtracking(pattern: str, text: str) -> re.Match[str] | None:
    """Return the leftmost, longest match, by trying all substrings with the standard library."""
    translated = pattern.replace("$", r"\Z").replace("{,", "{0,")
    for start in range(len(text) + 1):
        for left in range(len(text) - start + 1):
            match = re.compile(rf"(?s:(?:{translated}))(?=.{{{left}}}\Z)", re.DOTALL).match(text, start)
            if match:
                return match
    return None


@given(PATTERNS, st.text("abc", max_size=8))
@example("(a|ab)(c|bcd)(d*)", "abcd")
@example("a$|ab", "ab")
@example("(a$)*b", "ab")
def test_the_same_match_as_by_trying_all(pattern: str, text: str) -> None:
    made, expected = Regex(pattern), backtracking(pattern, text)
    found = made.spans(text)
    assert made.search(text) == (found is not None) == (expected is not None)
    if found and expected:
        assert found[0] == expected.span()


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        ("(a|ab)(c|bcd)*", "abcabc", ["abc", "ab", "c"]),
        ("foo|foobar", "a foobar", ["foobar"]),
        ("([a-z]+)([[:digit:]]+)", "foo123bar", ["foo123", "foo", "123"]),
        ("(x)?y", "y", ["y", None]),
        ("a{2,}", "caaa", ["aaa"]),
        ("a{,2}b", "aaab", ["aab"]),
        ("a{b", "a{b", ["a{b"]),
        ("[]a]+", "x]a]", ["]a]"]),
        ("[^]a]", "]ab", ["b"]),
        (r"[\.]+", r"a\.", [r"\."]),
        ("[a-]+", "b-a-", ["-a-"]),
        (r"\.\$", "a.$", [".$"]),
        ("cost\\$", "cost$", ["cost$"]),
        (r"\d+\s\w", "12 _", ["12 _"]),
        ("(?x)", "?x", ["?x", "?x"]),
        (".", "\n", ["\n"]),
        ("a**", "aa", ["aa"]),
        ("", "x", [""]),
        ("^$", "", [""]),
        ("[[:upper:][:space:]]+", "aB\vC", ["B\vC"]),
    ],
)
def test_dialect(pattern: str, text: str, groups: list[str | None]) -> None:
    made = Regex(pattern)
    spans = made.spans(text)
    assert spans is not None
    assert made.search(text)
    assert [text[slice(*span)] if span else None for span in spans] == groups
    assert made.groups == len(groups) - 1


@pytest.mark.parametrize(
    ("pattern", "at"),
    [
        ("*a", 0), ("a|*", 2), ("(a", 0), ("a)", 1), ("[a", 0), ("a\\", 1), ("[z-a]", 1), ("[[:x:]]", 1),
        (r"(a)\1", 3), (r"\b", 0), ("a{3,2}", 1), ("a{1000}", 1), ("a{99999999999}", 1), ("(" * 500, 99),
        ("(a{255}){255}", 0), ("((a{200}){200}){200}", 0), ("a" * 5000, 0), ("a?" + "{2}" * 500, 302),
    ],
)  # fmt: skip
def test_refused(pattern: str, at: int) -> None:
    with pytest.raises(PatternError) as caught:
        Regex(pattern)
    assert caught.value.at == at


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "(a|a)*c", "(a*)*c", "(a|aa)+$c", "(.*)(.*)(.*)(.*)c", "(a?){200}a{200}c"]
)
def test_no_text_makes_it_slow(pattern: str, tmp_path) -> None:
    assert key_of(Regexes(tmp_path), pattern.encode()) is None


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regex, "_MOST_KEPT", 50)
    made = Regex("(a|b)*a(a|b){8}$")  # 2^9 states, were all kept
    for number in range(300):
        text = f"{number:09b}".replace("0", "a").replace("1", "b") * 3
        assert made.search(text) == (text[-9] == "a")
        assert made._kept <= 50
        assert len(made._states) <= 51
