"""Stacks as text, and turned round for what draws them."""

from ktrace.model.tally import Row, Tally
from ktrace.output.views.stacks import outermost_first, stacks_text

TALLY = Tally(
    ("stack",),
    (Row((("read", "sys", "entry"),), 3), Row((("wri;te", "sys", "entry"),), 1), Row((("<x\x1b>",),), 6)),
)


def test_the_most_frequent_first_and_made_visible() -> None:
    assert stacks_text(TALLY).startswith("6 hits\n    <x\\x1b>\n3 hits\n    read\n    sys\n")


def test_what_does_not_fit_is_said() -> None:
    assert stacks_text(TALLY, height=7).splitlines()[-1] == "... and 1 more"
    assert stacks_text(TALLY, height=6).splitlines() == ["6 hits", "    <x\\x1b>", "... and 2 more"]
    assert stacks_text(TALLY, height=10) == stacks_text(TALLY)
    assert len(stacks_text(TALLY, height=1).splitlines()) == 1


def test_outermost_first() -> None:
    assert outermost_first(TALLY) == {
        ("<x\x1b>",): 6,
        ("entry", "sys", "read"): 3,
        ("entry", "sys", "wri;te"): 1,
    }
