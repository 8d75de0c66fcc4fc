import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ktrace.output.rendering.digits import decimal
from ktrace.output.rendering.lines import Block, Group, assemble
from ktrace.output.rendering.pieces import Coded, Pieces, coded

WORDS = st.binary(max_size=80)


def heads(rows, pad):
    """At least as long as real ones."""
    return [
        Coded([b"h" * (16 + extra) for extra in pad], np.arange(rows) % len(pad)),
        b"[000] 12345.678901: ",
    ]


@st.composite
def shapes(draw):
    rows = draw(st.integers(1, 8))
    pieces = []
    for kind in draw(st.lists(st.sampled_from("bcd"), max_size=5)):
        if kind == "b":
            pieces.append(draw(st.binary(min_size=1, max_size=70)))
        elif kind == "c":
            texts = draw(st.lists(WORDS, min_size=1, max_size=4))
            codes = draw(st.lists(st.integers(0, len(texts) - 1), min_size=rows, max_size=rows))
            pieces.append(Coded(texts, np.array(codes, np.int64)))
        else:
            numbers = draw(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=rows, max_size=rows))
            pieces.append(decimal(np.array(numbers, np.int64)))
    return rows, pieces


PADS = st.lists(st.integers(0, 60), min_size=1, max_size=3)
GROUPS = st.lists(st.tuples(PADS, st.lists(shapes(), max_size=3)), max_size=3)


def text_of(piece, row):
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, Coded):
        return piece.texts[piece.codes[row]]
    width = piece.cells.shape[1]
    return bytes(piece.cells[row])[width - (width if piece.lengths is None else int(piece.lengths[row])) :]


def joined_up(pieces):
    one = Pieces()
    one.extend(pieces)
    return one.finish()


@given(GROUPS, st.lists(st.binary(max_size=40), max_size=3), st.randoms(), st.booleans())
def test_as_a_join_would_give(groups, others, dice, merge):
    total = sum(rows for _, blocks in groups for rows, _ in blocks) + len(others)
    places = dice.sample(range(0, 10 * total + 1, dice.choice([1, 3, 10])), total) if total else []
    places = sorted(places) if dice.random() < 0.3 else places
    want, made, at = [], [], 0
    for pad, blocks in groups:
        head = heads(sum(rows for rows, _ in blocks), pad)
        done, row_of_head = [], 0
        for rows, pieces in blocks:
            seq = places[at : at + rows]
            at += rows
            for row in range(rows):
                texts = [text_of(piece, row_of_head + row) for piece in head]
                want.append((seq[row], b"".join([*texts, *(text_of(piece, row) for piece in pieces)])))
            row_of_head += rows
            done.append(Block(np.array(seq, np.int64), joined_up(pieces) if merge else pieces))
        made.append(Group(joined_up(head) if merge else head, done))
    singles = list(zip(places[at:], others, strict=True))
    want += singles
    text = bytes(assemble(made, singles))
    assert text == b"".join(text for _, text in sorted(want, key=lambda pair: pair[0]))


def test_far_places_sort_too():
    group = Group([b"a" * 40], [Block(np.array([5, 1 << 62], np.int64), [b"\n"])])
    text = bytes(assemble([group], [((1 << 63) - 1, b"end\n"), (0, b"begin\n")]))
    assert text == b"begin\n" + (b"a" * 40 + b"\n") * 2 + b"end\n"


def test_only_texts_that_occur():
    piece = coded([b"a", b"b", b"c"], np.array([2], np.int32))
    assert piece.texts == [b"c"]


def test_neighbours_become_one():
    pieces = Pieces()
    pieces.extend(
        [b"x", Coded([b"1", b"2"], np.array([0, 1])), b"-", Coded([b"3", b"4"], np.array([1, 0])), b"y"]
    )
    (one,) = pieces.finish()
    assert [one.texts[code] for code in one.codes.tolist()] == [b"x1-4y", b"x2-3y"]
