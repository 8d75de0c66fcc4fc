"""Trees from records. Those are written as `> task func depth` and `< task func depth took`."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ktrace.aggregate import calls
from ktrace.aggregate.calls import ENTRY, EXIT, CallTrees
from ktrace.model.batch import Batch, Chunk, Lost
from ktrace.model.calltree import Call, Gap, Tree
from ktrace.model.column import Strings

FUNCS = {name: 0xFFFFFFFF81000000 + i for i, name in enumerate("abcdefghij")}
NAMES = {address: name for name, address in FUNCS.items()}


def batch(event: str, rows: list[tuple[int, list[str]]], **columns: list[int]) -> Batch:
    tasks = [int(words[1]) for _, words in rows]
    return Batch(
        event=event,
        kind="fields",
        seq=np.array([seq for seq, _ in rows], np.int64),
        ts=np.array([1000 * seq for seq, _ in rows], np.int64),
        cpu=np.array([task % 2 for task in tasks], np.int32),
        pid=np.array([0 if task < 2 else task for task in tasks], np.int32),
        tgid=None,
        comm=Strings.of([f"task{task}" for task in tasks]),
        flags=Strings.of([""] * len(rows)),
        columns={name: np.array(values, np.uint64) for name, values in columns.items()},
    )


def chunk(text: str, first: int = 0, retval: int | None = None) -> Chunk:
    """Records, and `! cpu count` for a loss."""
    lines = [(seq, line.split()) for seq, line in enumerate(text.strip().splitlines(), start=first)]
    enter = [(seq, w) for seq, w in lines if w[0] == ">"]
    leave = [(seq, w) for seq, w in lines if w[0] == "<"]
    lost = [Lost(seq, None if w[1] == "?" else int(w[1]), int(w[2])) for seq, w in lines if w[0] == "!"]
    both = [{"func": [FUNCS[w[2]] for _, w in r], "depth": [int(w[3]) for _, w in r]} for r in (enter, leave)]
    times = {"calltime": [7] * len(leave), "rettime": [7 + int(w[4]) for _, w in leave]}
    if retval is not None:
        times["retval"] = [retval] * len(leave)
    return Chunk((batch(EXIT, leave, **both[1], **times), batch(ENTRY, enter, **both[0])), tuple(lost))


def spell(here: Call | Gap) -> str:
    """`a5(b2 c?)`: a took 5 and called b and c, of which the return is missing."""
    if isinstance(here, Gap):
        return f"!{here.count}"
    took = "?" if here.duration is None else here.duration
    inside = " ".join(map(spell, here.calls))
    return f"{NAMES[here.func]}{took}" + (f"({inside})" if inside else "")


def items(builder: CallTrees, *chunks: Chunk, finish: bool = False) -> list[str]:
    found = [item for one in chunks for item in builder.feed(one)]
    found += builder.finish() if finish else []
    return [spell(i.root) + "~" * i.incomplete if isinstance(i, Tree) else f"lost {i.count}" for i in found]


def builder(roots: str = "a", depth: int | None = None) -> CallTrees:
    return CallTrees(lambda address: NAMES[address] in roots, depth)


SIMPLE = """
> 5 a 0
> 5 b 1
> 5 c 2
< 5 c 2 1
< 5 b 1 3
> 5 d 1
< 5 d 1 2
< 5 a 0 9
"""


def test_a_tree_is_given_when_its_root_returns() -> None:
    made = builder()
    parts = SIMPLE.strip().splitlines()
    assert items(made, chunk("\n".join(parts[:-1]))) == []
    (tree,) = made.feed(chunk(parts[-1], first=7))
    assert isinstance(tree, Tree) and spell(tree.root) == "a9(b3(c1) d2)"
    assert (tree.pid, tree.comm, tree.size, tree.incomplete, tree.omitted) == (5, "task5", 4, False, 0)
    assert tree.root.ts == 0 and tree.root.cpu == 1
    assert [call.depth for call, _ in tree.walk() if isinstance(call, Call)] == [0, 1, 2, 1]
    assert made.finish() == []


def test_what_lies_outside_of_the_functions_is_left_out() -> None:
    assert items(builder("b"), chunk(SIMPLE)) == ["b3(c1)"]
    assert items(builder("cd"), chunk(SIMPLE)) == ["c1", "d2"]
    assert items(builder("j"), chunk(SIMPLE), finish=True) == []


def test_a_root_within_a_root_is_a_call_like_others() -> None:
    text = "> 5 a 0\n> 5 a 1\n< 5 a 1 2\n< 5 a 0 4"
    assert items(builder("a"), chunk(text)) == ["a4(a2)"]


def test_tasks_are_apart_those_of_idle_cpus_too() -> None:
    text = """
    > 4 a 0
    > 0 a 0
    > 1 a 0
    > 4 b 1
    > 1 c 1
    < 0 a 0 5
    < 1 c 1 1
    < 1 a 0 6
    < 4 b 1 2
    < 4 a 0 7
    """
    assert items(builder(), chunk(text)) == ["a5", "a6(c1)", "a7(b2)"]


def test_depth() -> None:
    assert items(builder(depth=1), chunk(SIMPLE)) == ["a9"]
    assert items(builder(depth=2), chunk(SIMPLE)) == ["a9(b3 d2)"]


def test_depths_of_the_kernel_may_skip_some() -> None:
    text = "> 5 a 2\n> 5 b 5\n> 5 c 6\n< 5 c 6 1\n< 5 b 5 2\n> 5 d 4\n< 5 d 4 1\n< 5 a 2 9"
    (tree,) = builder().feed(chunk(text))
    assert isinstance(tree, Tree) and spell(tree.root) == "a9(b2(c1) d1)" and not tree.incomplete
    assert [call.depth for call, _ in tree.walk() if isinstance(call, Call)] == [0, 1, 2, 1]


def test_what_never_returned_is_given_at_the_end() -> None:
    assert items(builder(), chunk("> 7 a 0\n> 5 a 0\n> 5 b 1"), finish=True) == ["a?~", "a?(b?)~"]


def test_returns_without_entries_before_anything_was_lost_are_from_before() -> None:
    assert items(builder(), chunk("< 5 c 2 1\n< 5 a 0 9\n> 5 a 0\n< 5 a 0 1")) == ["a1"]


def test_a_lost_return_leaves_a_call_without_a_duration() -> None:
    text = "> 5 a 0\n> 5 b 1\n> 5 c 2\n! 1 2\n> 5 d 1\n< 5 d 1 1\n< 5 a 0 9"
    assert items(builder(), chunk(text)) == ["lost 2", "a9(b?(c?(!2)) d1)~"]


def test_a_lost_entry_is_known_from_its_return() -> None:
    text = "> 5 a 0\n! 1 1\n< 5 b 1 3\n> 5 c 1\n! 1 2\n< 5 d 1 2\n< 5 a 0 9"
    assert items(builder(), chunk(text)) == ["lost 1", "lost 2", "a9(!1 b3 c?(!2) d2)~"]


def test_a_lost_root_is_known_from_its_return() -> None:
    assert items(builder(), chunk("! 1 5\n< 5 b 1 2\n< 5 a 0 9")) == ["lost 5", "a9~"]


def test_a_root_whose_return_was_lost_is_given_when_the_next_one_begins() -> None:
    text = "> 5 a 0\n> 5 b 1\n! 1 2\n> 5 a 0\n< 5 a 0 1"
    assert items(builder(), chunk(text)) == ["lost 2", "a?(b?(!2))~", "a1"]


def test_a_gap_is_in_the_trees_of_its_cpu_and_shown_within_the_depth() -> None:
    text = "> 4 a 0\n> 5 a 0\n> 5 b 1\n> 5 c 2\n! 1 3\n< 5 c 2 1\n< 5 b 1 1\n< 4 a 0 1\n< 5 a 0 5"
    assert items(builder(depth=1), chunk(text)) == ["lost 3", "a1", "a5(!3)~"]
    assert items(builder(), chunk(text.replace("! 1", "! ?"))) == ["lost 3", "a1(!3)~", "a5(b1(c1(!3)))~"]


def test_a_return_of_another_function_at_the_roots_depth_is_none_of_its() -> None:
    assert items(builder(), chunk("> 5 a 3\n< 5 b 3 1\n< 5 b 2 1\n< 5 a 3 2")) == ["a2"]


def test_a_tree_too_large_is_cut_and_says_so(monkeypatch) -> None:
    monkeypatch.setattr(calls, "LARGEST", 2)
    (tree,) = builder().feed(chunk(SIMPLE))
    assert isinstance(tree, Tree) and spell(tree.root) == "a9(b3)" and tree.omitted == 2


def test_return_values() -> None:
    (tree,) = builder("c").feed(chunk(SIMPLE, retval=(1 << 64) - 2))
    assert isinstance(tree, Tree) and tree.root.retval == (1 << 64) - 2


@st.composite
def trees(draw) -> Call:
    name = draw(st.sampled_from("bcd"))
    inner = draw(st.lists(trees(), max_size=3)) if draw(st.integers(0, 2)) else []
    return Call(FUNCS[name], 0, 0, 1, draw(st.integers(0, 99)), None, list(inner))


def records(call: Call, depth: int) -> list[str]:
    name = NAMES[call.func]
    inside = [line for callee in call.calls for line in records(callee, depth + 1)]
    return [f"> 5 {name} {depth}", *inside, f"< 5 {name} {depth} {call.duration}"]


@given(st.lists(trees(), max_size=4), st.sets(st.integers(1, 40)))
def test_whatever_was_called_comes_out_again(inner: list[Call], cuts: set[int]) -> None:
    """However the stream is cut into pieces."""
    whole = Call(FUNCS["a"], 0, 0, 1, 100, None, list(inner))
    lines = records(whole, 0)
    made = builder()
    found = []
    edges = [0, *sorted(c for c in cuts if c < len(lines)), len(lines)]
    for begin, end in pairwise(edges):
        found += items(made, chunk("\n".join(lines[begin:end]), first=begin))
    assert found == [spell(whole)]


@given(st.lists(st.tuples(st.sampled_from("<>!"), st.sampled_from("abc"), st.integers(0, 4)), max_size=40))
def test_no_sequence_is_too_strange(lines: list[tuple[str, str, int]]) -> None:
    text = "\n".join(f"! 1 {d}" if kind == "!" else f"{kind} 5 {f} {d} 1" for kind, f, d in lines)
    found = [i for i in items(builder(), chunk(text) if lines else Chunk(), finish=True) if "lost" not in i]
    assert all(tree.startswith("a") for tree in found)
