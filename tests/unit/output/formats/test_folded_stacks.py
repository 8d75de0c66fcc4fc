from hypothesis import given
from hypothesis import strategies as st

from ktrace.output.formats.folded_stacks import folded


def test_outermost_first_sorted_and_counted() -> None:
    stacks = {("start", "read", "vfs_read"): 3, ("idle",): 12, ("start", "open"): 1}
    assert folded(stacks) == "idle 12\nstart;open 1\nstart;read;vfs_read 3\n"
    assert folded({}) == ""


def test_a_name_can_neither_be_taken_for_two_nor_for_a_line() -> None:
    assert folded({("a;b c", "x\ny\x1b", "\udcff"): 2}) == "a:b c;x\\ny\\x1b;\\xff 2\n"


@given(
    st.dictionaries(st.lists(st.text("abc_ ", min_size=1), min_size=1).map(tuple), st.integers(0, 1 << 40))
)
def test_what_reads_it_finds_what_was_written(stacks: dict) -> None:
    lines = folded(stacks).splitlines()
    parted = (line.rpartition(" ") for line in lines)
    assert {tuple(frames.split(";")): int(count) for frames, _, count in parted} == stacks
